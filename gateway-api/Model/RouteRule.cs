using System.Collections.Immutable;

namespace Waypoint.GatewayApi.Model;

internal enum PathMatchType
{
    Exact,
    Prefix,
    RegularExpression,
}

internal sealed record PathMatch(PathMatchType Type, string Value)
{
    /// <summary>What the API assumes where a match names no path.</summary>
    public static PathMatch Any { get; } = new(PathMatchType.Prefix, "/");
}

/// <summary>A header or query parameter; <see cref="Regex"/> tells whether the value is a pattern.</summary>
internal sealed record ValueMatch(string Name, string Value, bool Regex);

/// <summary>A GRPCRoute's method; at least one of the two names is given.</summary>
internal sealed record GrpcMethodMatch(string? Service, string? Method, bool Regex);

/// <summary>One way to match a request; all of its parts must hold.</summary>
internal sealed record RouteMatch(
    PathMatch Path,
    GrpcMethodMatch? GrpcMethod,
    string? Method,
    ImmutableArray<ValueMatch> Headers,
    ImmutableArray<ValueMatch> QueryParams)
{
    public static RouteMatch Any { get; } = new(PathMatch.Any, null, null, [], []);
}

/// <summary>Null where the rule is silent; zero switches a time limit off.</summary>
internal sealed record RouteTimeouts(TimeSpan? Request, TimeSpan? BackendRequest)
{
    public static RouteTimeouts None { get; } = new(null, null);
}

/// <summary>A rule's retries. Attempts are tries beyond the first; 0 means never.</summary>
internal sealed record RouteRetry(int Attempts, TimeSpan? Backoff, ImmutableArray<int> Codes);

/// <summary>One rule of an HTTPRoute or GRPCRoute. <see cref="Matches"/> is never empty.</summary>
internal sealed record RouteRule(
    string? Name,
    ImmutableArray<RouteMatch> Matches,
    ImmutableArray<RouteFilter> Filters,
    RouteTimeouts Timeouts,
    RouteRetry? Retry,
    bool SessionPersistence,
    ImmutableArray<BackendRef> BackendRefs);
