namespace Waypoint.Proxy.Resilience;

/// <summary>What counts as worth another try. The names are Envoy's <c>retry_on</c> tokens.</summary>
[Flags]
internal enum RetryOn
{
    None = 0,
    ConnectFailure = 1 << 0,
    RefusedStream = 1 << 1,
    Reset = 1 << 2,
    ResetBeforeRequest = 1 << 3,
    ServerError5xx = 1 << 4,
    GatewayError = 1 << 5,
    Retriable4xx = 1 << 6,
    RetriableStatusCodes = 1 << 7,
    GrpcCancelled = 1 << 8,
    GrpcDeadlineExceeded = 1 << 9,
    GrpcInternal = 1 << 10,
    GrpcResourceExhausted = 1 << 11,
    GrpcUnavailable = 1 << 12,
}

/// <summary>When and how often a request is tried again. Immutable.</summary>
internal sealed record RetryPolicy
{
    public required RetryOn On { get; init; }

    /// <summary>Retries beyond the first try.</summary>
    public required int Retries { get; init; }

    public IReadOnlySet<int> StatusCodes { get; init; } = new HashSet<int>();

    /// <summary>Limit for one try; zero means none.</summary>
    public TimeSpan PerTryTimeout { get; init; }

    /// <summary>First back-off interval; Envoy's default is 25 ms, growing exponentially with full jitter up to <see cref="MaxBackOff"/>.</summary>
    public TimeSpan BaseBackOff { get; init; } = TimeSpan.FromMilliseconds(25);

    public TimeSpan MaxBackOff { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Whether a host that was tried already is passed over (Envoy's previous_hosts predicate).</summary>
    public bool AvoidPreviousHosts { get; init; }

    /// <summary>How many picks are made to find a host not yet tried.</summary>
    public int HostSelectionAttempts { get; init; } = 1;
}
