namespace Waypoint.Proxy.Routing;

/// <summary>
/// Changes to a set of headers, applied in the order remove, set, add (Envoy's order).
/// Names compare without case; values are sent byte for byte as configured.
/// </summary>
internal sealed record HeaderMutations(
    IReadOnlyList<string> Remove,
    IReadOnlyList<KeyValuePair<string, string>> Set,
    IReadOnlyList<KeyValuePair<string, string>> Add)
{
    public static HeaderMutations None { get; } = new([], [], []);

    public bool IsEmpty => Remove.Count == 0 && Set.Count == 0 && Add.Count == 0;
}
