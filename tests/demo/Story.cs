using Waypoint.Demo.Chapters;

namespace Waypoint.Demo;

/// <summary>What the demo tells, in order.</summary>
internal static class Story
{
    internal static IReadOnlyList<Chapter> Chapters { get; } =
    [
        Opening.Chapter,
        Canary.Chapter,
        Protocols.Chapter,
        PlainTcp.Chapter,
        Kernel.Chapter,
        Restarts.Chapter,
        BadInput.Chapter,
    ];
}
