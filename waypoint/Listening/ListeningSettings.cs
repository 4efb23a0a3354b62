using System.Net;
using System.Net.Sockets;

namespace Waypoint.Proxy.Listening;

/// <summary>How the listening plane behaves. The defaults are what a pod gets; tests shorten them.</summary>
internal sealed record ListeningSettings
{
    /// <summary>Every address of the pod: both IP versions on one socket, unless the kernel was started without version 6.</summary>
    public static IPAddress AnyAddress { get; } = Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any;

    /// <summary>Port 15088 (design, wire numbers).</summary>
    public IPEndPoint Address { get; init; } = new(AnyAddress, 15088);

    /// <summary>Threads that accept, sniff and pass bytes.</summary>
    public int Loops { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 8);

    /// <summary>A connection without a destination must name one in a PROXY header within this time.</summary>
    public TimeSpan HeaderTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// On a port of unknown protocol, how long a client may be silent before the backend is connected to, in case it is the backend that
    /// speaks first. It costs that much once per destination; a client that does speak is found out whenever it does.
    /// </summary>
    public TimeSpan SilenceBeforeDial { get; init; } = TimeSpan.FromMilliseconds(25);

    /// <summary>How long first bytes that could still become several things are waited for.</summary>
    public TimeSpan SniffTimeout { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a connection to an HTTP port may stay silent at first; Envoy's idle time-out for clients.</summary>
    public TimeSpan SilentHttpTimeout { get; init; } = TimeSpan.FromHours(1);
}
