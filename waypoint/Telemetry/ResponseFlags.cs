namespace Waypoint.Proxy.Telemetry;

/// <summary>Why an answer is not simply the backend's. The short names are Envoy's <c>%RESPONSE_FLAGS%</c>, in the order in which they come about.</summary>
[Flags]
internal enum ResponseFlags
{
    None = 0,

    /// <summary>DI: delayed on purpose.</summary>
    DelayInjected = 1 << 0,

    /// <summary>FI: aborted on purpose.</summary>
    FaultInjected = 1 << 1,

    /// <summary>URX: another try was due, and the policy's number of retries was used up.</summary>
    UpstreamRetryLimitExceeded = 1 << 2,

    /// <summary>UH: no endpoint can be used.</summary>
    NoHealthyUpstream = 1 << 3,

    /// <summary>UF: no connection to the endpoint.</summary>
    UpstreamConnectionFailure = 1 << 4,

    /// <summary>UC: the endpoint closed the connection.</summary>
    UpstreamConnectionTermination = 1 << 5,

    /// <summary>UR: the endpoint reset the stream.</summary>
    UpstreamRemoteReset = 1 << 6,

    /// <summary>UT: a limit of the route elapsed.</summary>
    UpstreamRequestTimeout = 1 << 7,

    /// <summary>UO: a circuit breaker or the retry budget is at its limit.</summary>
    UpstreamOverflow = 1 << 8,

    /// <summary>UPE: what the endpoint said was not HTTP.</summary>
    UpstreamProtocolError = 1 << 9,

    /// <summary>NR: no route.</summary>
    NoRouteFound = 1 << 10,

    /// <summary>NC: the route names a cluster that does not exist.</summary>
    NoClusterFound = 1 << 11,

    /// <summary>DC: the client went away.</summary>
    DownstreamConnectionTermination = 1 << 12,

    /// <summary>DPE: what the client said was not HTTP, or could be read in two ways.</summary>
    DownstreamProtocolError = 1 << 13,

    /// <summary>SI: silence for longer than the chain allows.</summary>
    StreamIdleTimeout = 1 << 14,

    /// <summary>UAEX: the authorisation service said no, or could not be asked.</summary>
    UnauthorizedExternalService = 1 << 15,

    /// <summary>RL: the local rate limit was reached.</summary>
    RateLimited = 1 << 16,

    /// <summary>DT: a connection was as old as one may become.</summary>
    DurationTimeout = 1 << 17,
}

internal static class ResponseFlagNames
{
    private static readonly string[] Names = ["DI", "FI", "URX", "UH", "UF", "UC", "UR", "UT", "UO", "UPE", "NR", "NC", "DC", "DPE", "SI", "UAEX", "RL", "DT"];

    /// <summary>Envoy's long names, which are the members' own, joined by commas; <c>-</c> when there is none.</summary>
    public static string ToLongNames(this ResponseFlags flags) =>
        flags == ResponseFlags.None ? "-" : string.Join(',', Enum.GetValues<ResponseFlags>().Where(flag => flag != ResponseFlags.None && flags.HasFlag(flag)));

    /// <summary>The flags of a short name; null when this version has none of it.</summary>
    public static ResponseFlags? Parse(string shortName)
    {
        var bit = Array.IndexOf(Names, shortName);
        return bit < 0 ? null : (ResponseFlags)(1 << bit);
    }

    /// <summary>The short names joined by commas; <c>-</c> when there is none. A single flag, the usual case, allocates nothing.</summary>
    public static string ToShortNames(this ResponseFlags flags)
    {
        var bits = (uint)flags;
        return bits switch
        {
            0 => "-",
            _ when uint.IsPow2(bits) => Names[int.Log2((int)bits)],
            _ => string.Join(',', Names.Where((_, bit) => (bits & (1u << bit)) != 0)),
        };
    }
}
