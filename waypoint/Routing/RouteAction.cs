using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Resilience;

namespace Waypoint.Proxy.Routing;

/// <summary>What a matched route does with the request.</summary>
internal abstract record RouteAction;

/// <summary>Sends the request to one of the clusters.</summary>
internal sealed record ForwardAction(WeightedClusters Clusters) : RouteAction
{
    /// <summary>How the path changes before it is sent; null sends it byte for byte.</summary>
    public PathRewrite? PathRewrite { get; init; }

    /// <summary>The authority to send instead of the client's; null keeps the client's.</summary>
    public string? HostRewrite { get; init; }

    /// <summary>The request's header whose value, if it has one, is the authority to send; null keeps the client's.</summary>
    public string? HostRewriteHeader { get; init; }

    /// <summary>The name of the endpoint, if it has one, is the authority to send.</summary>
    public bool HostFollowsEndpoint { get; init; }

    /// <summary>A rewritten authority is told to the backend as <c>X-Forwarded-Host</c> too.</summary>
    public bool AppendsForwardedHost { get; init; }

    /// <summary>Limit for the whole exchange including retries; zero means none. Past it the client gets 504.</summary>
    public TimeSpan Timeout { get; init; }

    /// <summary>
    /// For gRPC requests the client's <c>grpc-timeout</c> takes the place of <see cref="Timeout"/>, up to this limit; zero is no limit.
    /// Null (Envoy's <c>max_grpc_timeout</c> is not set) leaves <see cref="Timeout"/> in force.
    /// </summary>
    public TimeSpan? MaxGrpcTimeout { get; init; }

    /// <summary>The longest silence on one stream; zero means no limit. Null leaves it to the chain.</summary>
    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>Null means: never retried.</summary>
    public RetryPolicy? Retry { get; init; }

    /// <summary>What leads a request to the same endpoint again, in clusters whose policy hashes.</summary>
    public IReadOnlyList<HashPolicy> HashPolicies { get; init; } = [];

    public IReadOnlyList<Mirror> Mirrors { get; init; } = [];

    /// <summary>The answer when the chosen cluster was never sent: 500 for an invalid backend (Gateway API), 503 where the configuration says nothing.</summary>
    public int MissingClusterStatus { get; init; } = 503;
}

/// <summary>Answers with a Location. Null parts are taken from the request.</summary>
internal sealed record RedirectAction(int Status) : RouteAction
{
    public string? Scheme { get; init; }

    public string? Host { get; init; }

    public int? Port { get; init; }

    public PathRewrite? PathRewrite { get; init; }

    public bool StripQuery { get; init; }
}

/// <summary>Answers from the proxy itself.</summary>
internal sealed record DirectResponseAction(int Status, ReadOnlyMemory<byte> Body) : RouteAction;

/// <summary>A copy of the request, whose answer is thrown away.</summary>
/// <param name="Cluster">Where the copy goes.</param>
/// <param name="Numerator">The copied share is <paramref name="Numerator"/> in <paramref name="Denominator"/>.</param>
internal sealed record Mirror(LoadBalancing.ClusterSlot Cluster, uint Numerator, uint Denominator);

/// <summary>A change of the path; the query is never touched.</summary>
internal abstract record PathRewrite;

/// <summary>The whole path is replaced.</summary>
internal sealed record ReplaceFullPath(string Path) : PathRewrite;

/// <summary>The matched prefix (by path element) is replaced.</summary>
internal sealed record ReplacePrefix(string MatchedPrefix, string Replacement) : PathRewrite;

/// <summary>What the regular expression matches is replaced; <c>\1</c> in the substitution names a group (RE2 notation).</summary>
internal sealed record ReplaceRegex(System.Text.RegularExpressions.Regex Pattern, string Substitution) : PathRewrite;
