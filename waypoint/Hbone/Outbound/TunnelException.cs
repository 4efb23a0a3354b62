namespace Waypoint.Proxy.Hbone.Outbound;

/// <summary>No tunnel came about, or it broke.</summary>
/// <param name="reason">In the form of Envoy's transport failure reasons: words joined by underscores, for the access log.</param>
internal sealed class TunnelException(string reason, Exception? inner = null) : IOException($"No HBONE tunnel: {reason}", inner)
{
    public string Reason => reason;

    /// <summary>Nobody listens at the HBONE port.</summary>
    public bool IsRefused { get; init; }

    /// <summary>The peer did nothing with the stream: it can be tried on another connection.</summary>
    public bool IsUntouched { get; init; }
}
