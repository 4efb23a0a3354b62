namespace Waypoint.Proxy.LoadBalancing;

/// <summary>
/// When an endpoint that fails is put aside, and for how long (Envoy's <c>outlier_detection</c>, its names and defaults).
/// Only consecutive failures count here; Envoy's success rate and failure percentage are not implemented.
/// </summary>
internal sealed record OutlierDetection
{
    /// <summary>
    /// What is done when the configuration says nothing: one failure to connect puts an endpoint aside for 1 s, doubled each
    /// time in a row up to 30 s; the first success forgets it all; answers, whatever their status, never do. A dead pod is in the
    /// list of endpoints for the seconds until its readiness probe fails: this keeps requests off it meanwhile. The last endpoint is never put aside.
    /// </summary>
    public static OutlierDetection Default { get; } = new()
    {
        ConsecutiveServerErrors = 0,
        ConsecutiveGatewayFailures = 0,
        ConsecutiveConnectFailures = 1,
        BaseEjectionTime = TimeSpan.FromSeconds(1),
        MaxEjectionTime = TimeSpan.FromSeconds(30),
        MaxEjectionPercent = 99,
        Interval = TimeSpan.FromSeconds(30),
        Growth = EjectionGrowth.Doubling,
    };

    /// <summary>Failures in a row of any kind (status 5xx, or no answer at all); 0 never ejects for them.</summary>
    public int ConsecutiveServerErrors { get; init; } = 5;

    /// <summary>Failures in a row of the kind 502, 503, 504 or no answer at all; 0 never ejects for them.</summary>
    public int ConsecutiveGatewayFailures { get; init; }

    /// <summary>Connections in a row that could not be made; 0 never ejects for them.</summary>
    public int ConsecutiveConnectFailures { get; init; }

    /// <summary>Failures without an answer count as <see cref="ConsecutiveConnectFailures"/> and as nothing else (Envoy's <c>split_external_local_origin_errors</c>).</summary>
    public bool SplitsLocalOrigin { get; init; }

    /// <summary>How long without an ejection takes one step off the growth.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan BaseEjectionTime { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan MaxEjectionTime { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>The largest share of the cluster's endpoints that may be aside at one time, in percent.</summary>
    public int MaxEjectionPercent { get; init; } = 10;

    /// <summary>One endpoint may be put aside even when <see cref="MaxEjectionPercent"/> of so small a cluster is less than one.</summary>
    public bool AlwaysEjectOne { get; init; }

    public EjectionGrowth Growth { get; init; }

    /// <summary>How long the <paramref name="times"/>th ejection in a row lasts.</summary>
    public TimeSpan EjectionTime(int times)
    {
        var factor = Growth == EjectionGrowth.Doubling ? Math.Pow(2, times - 1) : times;
        var ticks = BaseEjectionTime.Ticks * factor;
        return ticks >= MaxEjectionTime.Ticks ? MaxEjectionTime : TimeSpan.FromTicks((long)ticks);
    }
}

internal enum EjectionGrowth
{
    /// <summary>Base × times (Envoy).</summary>
    Linear,

    /// <summary>Base × 2^(times − 1); a success starts it anew.</summary>
    Doubling,
}

/// <summary>What went wrong with an endpoint, as far as its health is concerned.</summary>
internal enum FailureKind
{
    /// <summary>No connection: refused, unreachable, timed out while connecting.</summary>
    Connect,

    /// <summary>The connection broke or the endpoint stayed silent past the limit for a try.</summary>
    NoAnswer,

    /// <summary>Status 502, 503 or 504.</summary>
    GatewayError,

    /// <summary>Another status of 500 and above.</summary>
    ServerError,
}
