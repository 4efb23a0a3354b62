using System.Net;
using Waypoint.Proxy.Listening;

namespace Waypoint.Proxy.Hbone;

/// <summary>How tunnels behave. The numbers of HTTP/2 are ztunnel's.</summary>
internal sealed record HboneSettings
{
    /// <summary>The port on which every HBONE peer listens.</summary>
    public const int Port = 15008;

    public IPEndPoint Address { get; init; } = new(ListeningSettings.AnyAddress, Port);

    /// <summary>A TLS handshake that takes longer is given up.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Streams that a peer may have open on one connection.</summary>
    public int MaxStreams { get; init; } = 200;

    /// <summary>Bytes that may be on the way on one stream.</summary>
    public int StreamWindow { get; init; } = 4 << 20;

    /// <summary>Bytes that may be on the way on one connection, and so the most that it can make us hold.</summary>
    public int ConnectionWindow { get; init; } = 16 << 20;

    /// <summary>The longest frame that is taken: a whole frame has to arrive before any of it goes on.</summary>
    public int MaxFrameSize { get; init; } = 64 * 1024;

    /// <summary>A connection that is silent for so long is pinged.</summary>
    public TimeSpan PingDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A ping without an answer for so long ends the connection.</summary>
    public TimeSpan PingTimeout { get; init; } = TimeSpan.FromSeconds(20);
}
