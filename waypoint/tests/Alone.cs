namespace Waypoint.Proxy.Tests;

/// <summary>Tests that look at what belongs to the whole process, or load the machine so that others would miss their deadlines.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
