namespace Waypoint.Proxy.Hbone.Outbound;

/// <summary>
/// Whether endpoints that the control plane marks for HBONE are reached through a tunnel (<c>WAYPOINT_UPSTREAM_HBONE</c>). istiod marks every pod that
/// is in the mesh; but where our kernel engine redirects instead of ztunnel, nobody listens at 15008 in those pods.
/// </summary>
internal enum UpstreamHboneMode
{
    /// <summary>
    /// Holds unless told otherwise. The tunnel is tried first. Where the HBONE port refuses the connection the endpoint is dialled plainly, and so it is for half a minute.
    /// An address that has spoken HBONE in the last ten minutes never is: a ztunnel that restarts does not expose the traffic. Nothing but a refused
    /// connection leads to plain text: not a timeout, not a certificate. Whoever can forge a RST on the path before the first tunnel can have the
    /// traffic in plain text; where that matters the mode is <see cref="Always"/>.
    /// </summary>
    Auto,

    /// <summary>No tunnel, no connection. For meshes with ztunnel on every node: fails closed.</summary>
    Always,

    /// <summary>Every endpoint is dialled plainly: saves the first attempt where our kernel engine is on every node.</summary>
    Never,
}

internal static class UpstreamHboneModes
{
    /// <exception cref="FormatException">Another word.</exception>
    public static UpstreamHboneMode Parse(string? text) => text switch
    {
        null or "" or "auto" => UpstreamHboneMode.Auto,
        "always" => UpstreamHboneMode.Always,
        "never" => UpstreamHboneMode.Never,
        _ => throw new FormatException($"WAYPOINT_UPSTREAM_HBONE: '{text}' is none of auto, always, never"),
    };
}
