using Waypoint.Proxy.Telemetry.Formatting;

namespace Waypoint.Proxy.Routing;

/// <summary>
/// Changes to a set of headers, applied in the order remove, set, add (Envoy's order), then what needs a look at the request or the headers.
/// Names compare without case; values are as <see cref="WireText"/> holds them.
/// </summary>
internal sealed record HeaderMutations(
    IReadOnlyList<string> Remove,
    IReadOnlyList<KeyValuePair<string, string>> Set,
    IReadOnlyList<KeyValuePair<string, string>> Add)
{
    public static HeaderMutations None { get; } = new([], [], []);

    /// <summary>Those whose value is made for each request, or that depend on what is there.</summary>
    public IReadOnlyList<HeaderChange> Changes { get; init; } = [];

    public bool IsEmpty => Remove.Count == 0 && Set.Count == 0 && Add.Count == 0 && Changes.Count == 0;
}

internal enum HeaderAction
{
    /// <summary>One more value.</summary>
    Add,

    /// <summary>In the place of any other value.</summary>
    Set,

    /// <summary>Only where there is none.</summary>
    AddIfAbsent,

    /// <summary>Only in the place of another value.</summary>
    SetIfPresent,
}

/// <summary>A change of one header.</summary>
/// <param name="Name">The header's.</param>
/// <param name="Value">May have operators, of which those without a value leave nothing.</param>
/// <param name="Action">What happens to the value.</param>
/// <param name="KeepsEmpty">The change is made though the value came out empty.</param>
internal sealed record HeaderChange(string Name, TextFormat Value, HeaderAction Action, bool KeepsEmpty);
