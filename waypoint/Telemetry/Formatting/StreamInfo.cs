using System.Diagnostics;
using System.Net;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tcp;
using Endpoint = Waypoint.Proxy.LoadBalancing.Endpoint;

namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary>What formats, expressions and filters of the access log read: a request, or a connection whose bytes are passed through.</summary>
internal readonly struct StreamInfo
{
    public StreamInfo(Exchange exchange) => Exchange = exchange;

    public StreamInfo(TcpConnection connection) => Connection = connection;

    /// <summary>Null for a connection of bytes.</summary>
    public Exchange? Exchange { get; }

    /// <summary>Null for a request.</summary>
    public TcpConnection? Connection { get; }

    public IHeaderDictionary? RequestHeaders => Exchange?.Context.Request.Headers;

    public DateTime StartedAt => Exchange?.StartedAt ?? Connection!.StartedAt.UtcDateTime;

    public TimeSpan Age => Exchange is { } exchange ? Stopwatch.GetElapsedTime(exchange.StartedTimestamp) : Connection!.Age;

    /// <summary>The address that the client dialled.</summary>
    public IPEndPoint Local => Exchange?.Destination.Original ?? Connection!.Original;

    /// <summary>The client's.</summary>
    public IPEndPoint Client => Exchange?.Destination.Client ?? Connection!.Client;

    /// <summary>The client's SPIFFE identity when a carrier that may be believed names it.</summary>
    public string? ClientPrincipal => Exchange is { } exchange ? exchange.Destination.ClientPrincipal : Connection!.ClientPrincipal;

    public string? ChainName => Exchange is { } exchange ? exchange.Chain?.Name : Connection!.Chain.Name;

    public Cluster? Cluster => Exchange is { } exchange ? exchange.Cluster : Connection!.Cluster;

    public Endpoint? Endpoint => Exchange is { } exchange ? exchange.Endpoint : Connection!.Endpoint;

    /// <summary>Our address on the connection to the endpoint; not known for HTTP/2.</summary>
    public IPEndPoint? UpstreamLocal => Exchange is { } exchange ? exchange.Connection?.Local : Connection!.UpstreamLocal;

    public long BytesReceived => Exchange?.BytesReceived ?? Connection!.BytesReceived;

    public long BytesSent => Exchange?.BytesSent ?? Connection!.BytesSent;

    public ResponseFlags Flags => Exchange?.Flags ?? Connection!.Flags;

    public DynamicMetadata Metadata => Exchange?.Metadata ?? Connection!.Metadata;

    /// <summary>The client's workload; null when it is not of the mesh.</summary>
    public Workload? Source => Workloads?.Find(Client.Address);

    /// <summary>The workload behind the endpoint; null when there is none or it is not of the mesh.</summary>
    public Workload? Destination => Endpoint is { } endpoint ? Workloads?.Find(endpoint.Address.Address) : null;

    /// <summary>The status that the client got; 0 when it got none, as for connections of bytes.</summary>
    public int Status => Exchange?.Status ?? 0;

    private WorkloadDirectory? Workloads => Exchange is { } exchange ? exchange.Chain?.Workloads : Connection!.Chain.Workloads;
}
