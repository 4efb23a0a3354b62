using Waypoint.TestBed.Mesh;

namespace Waypoint.Demo;

/// <summary>One thing that the demo does, what it expects of it, and how to see what really happens.</summary>
internal sealed record Line(string Done, string Expected, Func<LocalMesh, Task<Seen>> Run);

/// <summary>What happened, and whether that is what was expected.</summary>
internal sealed record Seen(bool Held, string Text);

/// <summary>Lines that belong together.</summary>
internal sealed record Chapter(string Title, IReadOnlyList<Line> Lines);
