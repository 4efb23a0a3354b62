using System.Diagnostics;
using System.Net;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Telemetry;
using Endpoint = Waypoint.Proxy.LoadBalancing.Endpoint;

namespace Waypoint.Proxy.Tcp;

/// <summary>One pass-through connection, as telemetry sees it. Changed on its loop; safe to read from anywhere.</summary>
internal sealed class TcpConnection(IPEndPoint original, IPEndPoint client, string? clientPrincipal, TcpChain chain)
{
    private readonly long _startedAt = Stopwatch.GetTimestamp();

    public IPEndPoint Original => original;

    public IPEndPoint Client => client;

    /// <summary>The client's SPIFFE identity when a carrier that may be believed names it.</summary>
    public string? ClientPrincipal => clientPrincipal;

    /// <summary>The client came over mutual TLS (HBONE).</summary>
    public bool IsMutualTls { get; init; }

    public TcpChain Chain => chain;

    /// <summary>The server that the client's TLS asks for, read where <see cref="TcpChain.NeedsServerName"/>: empty without TLS, null when not known.</summary>
    public string? ServerName { get; init; }

    public DateTimeOffset StartedAt { get; } = DateTimeOffset.UtcNow;

    public TimeSpan Age => Stopwatch.GetElapsedTime(_startedAt);

    /// <summary>A filter wanted it closed.</summary>
    public bool IsDenied { get; set; }

    /// <summary>Envoy's <c>%CONNECTION_TERMINATION_DETAILS%</c>; null when there is nothing to say.</summary>
    public string? TerminationDetails { get; set; }

    /// <summary>What filters told of it.</summary>
    public DynamicMetadata Metadata { get; } = new();

    /// <summary>Null until one was picked.</summary>
    public Cluster? Cluster { get; set; }

    /// <summary>Where the connection is counted; null while it is not.</summary>
    public ConnectionLimit? CountedBy { get; set; }

    /// <summary>Null until one was connected to.</summary>
    public Endpoint? Endpoint { get; set; }

    /// <summary>Our address on the connection to the endpoint.</summary>
    public IPEndPoint? UpstreamLocal { get; set; }

    /// <summary>Null until bytes may pass.</summary>
    public Relay? Relay { get; set; }

    public long BytesReceived => Relay?.BytesReceived ?? 0;

    public long BytesSent => Relay?.BytesSent ?? 0;

    /// <summary>Why it did not go well; none while it does.</summary>
    public ResponseFlags Flags { get; set; }
}
