using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.Fault;

/// <summary>Which requests are made to suffer, and how. Immutable.</summary>
internal sealed record FaultSettings
{
    /// <summary>Null: none is delayed.</summary>
    public FaultDelay? Delay { get; init; }

    /// <summary>Null: none is aborted.</summary>
    public FaultAbort? Abort { get; init; }

    /// <summary>Only requests to this cluster; null is all.</summary>
    public string? UpstreamCluster { get; init; }

    /// <summary>All must hold.</summary>
    public IReadOnlyList<HeaderMatch> Headers { get; init; } = [];

    /// <summary>Only requests whose <c>x-envoy-downstream-service-node</c> is one of these; empty is all.</summary>
    public IReadOnlySet<string> DownstreamNodes { get; init; } = new HashSet<string>();

    /// <summary>Requests that suffer at one time; more are let through unharmed.</summary>
    public uint MaxActiveFaults { get; init; } = uint.MaxValue;
}

/// <summary>A pause before a request goes on.</summary>
/// <param name="Time">Null: the request says it itself (<c>x-envoy-fault-delay-request</c>, milliseconds).</param>
/// <param name="Share">How many requests; one that says its own pause may lower the numerator (<c>…-percentage</c>).</param>
internal sealed record FaultDelay(TimeSpan? Time, Fraction Share);

/// <summary>An answer in the place of the backend's. With neither status the request says it itself (<c>x-envoy-fault-abort-request</c>, <c>x-envoy-fault-abort-grpc-request</c>).</summary>
/// <param name="HttpStatus">From 200 to 599.</param>
/// <param name="GrpcStatus">A code of gRPC.</param>
/// <param name="Share">How many requests; one that says its own status may lower the numerator (<c>…-percentage</c>).</param>
internal sealed record FaultAbort(int? HttpStatus, int? GrpcStatus, Fraction Share)
{
    public bool IsByHeader => HttpStatus is null && GrpcStatus is null;
}
