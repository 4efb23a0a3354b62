namespace Waypoint.Proxy.LoadBalancing.Dns;

/// <summary>Which addresses of a name are asked for.</summary>
internal enum DnsFamily
{
    /// <summary>Those of IPv6; where there are none, those of IPv4.</summary>
    V6Preferred,
    V4Only,
    V6Only,

    /// <summary>Those of IPv4; where there are none, those of IPv6.</summary>
    V4Preferred,
    All,
}

/// <summary>How the names of a cluster's endpoints are resolved.</summary>
/// <param name="Family">Which addresses.</param>
/// <param name="Refresh">How long an answer is taken for true. The system's resolver tells no time to live, so there is no other measure.</param>
/// <param name="Retry">How long after a first failure the next question is asked; it doubles from failure to failure.</param>
/// <param name="MaxRetry">The longest such time.</param>
/// <param name="Jitter">Up to so much is added to each time, so that the names of a mesh are not asked for in step.</param>
/// <param name="OnlyFirst">Of several addresses the first one is used (Envoy's <c>LOGICAL_DNS</c>).</param>
internal sealed record DnsSettings(DnsFamily Family, TimeSpan Refresh, TimeSpan Retry, TimeSpan MaxRetry, TimeSpan Jitter, bool OnlyFirst);
