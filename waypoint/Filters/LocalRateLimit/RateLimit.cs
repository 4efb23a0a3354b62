using System.Collections.Immutable;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.LocalRateLimit;

/// <summary>Which of a route's and its virtual host's rules count.</summary>
internal enum HostRateLimits
{
    /// <summary>The virtual host's when the route has none.</summary>
    Override,
    Include,
    Ignore,
}

internal sealed record RateLimitSettings
{
    /// <summary>Null: without a descriptor that matches there is no limit.</summary>
    public TokenBucketSettings? Default { get; init; }

    /// <summary>Limits of their own for requests that are just so.</summary>
    public ImmutableArray<(ImmutableArray<DescriptorEntry> Entries, TokenBucketSettings Bucket)> Descriptors { get; init; } = [];

    /// <summary>In place of the routes' rules; empty for those.</summary>
    public ImmutableArray<RateLimitRule> Rules { get; init; } = [];

    public uint Stage { get; init; }

    public HostRateLimits Host { get; init; }

    /// <summary>Requests for which a descriptor has a limit count against the default one too.</summary>
    public bool AlwaysConsumeDefault { get; init; } = true;

    /// <summary>The share of requests that are counted.</summary>
    public Fraction Enabled { get; init; } = new(0, 100);

    /// <summary>The share of those for which the limit holds.</summary>
    public Fraction Enforced { get; init; } = new(0, 100);

    public int Status { get; init; } = StatusCodes.Status429TooManyRequests;

    public HeaderMutations ResponseHeaders { get; init; } = HeaderMutations.None;

    /// <summary>For requests over the limit that pass all the same.</summary>
    public HeaderMutations RequestHeadersWhenNotEnforced { get; init; } = HeaderMutations.None;

    /// <summary>Answers say how much is left (draft-ietf-httpapi-ratelimit-headers 03).</summary>
    public bool TellsLimit { get; init; }

    public bool AsResourceExhausted { get; init; }

    /// <summary>Each connection has limits of its own.</summary>
    public bool PerConnection { get; init; }
}

/// <summary>A limit with what is left of it.</summary>
internal sealed class RateLimit(RateLimitSettings settings, TimeProvider time)
{
    private readonly TokenBucket? _default = settings.Default is { } bucket ? new TokenBucket(bucket, time) : null;
    private readonly ImmutableArray<(ImmutableArray<DescriptorEntry> Entries, TokenBucket Bucket)> _descriptors =
        [.. settings.Descriptors.Select(descriptor => (descriptor.Entries, new TokenBucket(descriptor.Bucket, time)))];

    /// <summary>Takes a token wherever the request counts.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="decisive">The bucket that said no, otherwise the emptiest; null when the request counts nowhere.</param>
    public bool TryPass(Exchange exchange, out TokenBucket? decisive)
    {
        decisive = null;
        var fewest = uint.MaxValue;
        if (!_descriptors.IsEmpty)
        {
            var head = exchange.MatchedHead();
            var entries = new List<DescriptorEntry>();
            foreach (var rule in Rules(exchange))
            {
                entries.Clear();
                if (Describe(exchange, head, rule, entries) && Find(entries) is { } bucket)
                {
                    if (!bucket.TryTake())
                    {
                        decisive = bucket;
                        return false;
                    }

                    if (bucket.Look().Remaining is var remaining && remaining < fewest)
                    {
                        (decisive, fewest) = (bucket, remaining);
                    }
                }
            }
        }

        if (_default is null || (decisive is not null && !settings.AlwaysConsumeDefault))
        {
            return true;
        }

        if (!_default.TryTake())
        {
            decisive = _default;
            return false;
        }

        decisive ??= _default;
        return true;
    }

    private IEnumerable<RateLimitRule> Rules(Exchange exchange)
    {
        if (!settings.Rules.IsEmpty)
        {
            return settings.Rules;
        }

        var route = exchange.Route?.RateLimits ?? RouteRateLimits.None;
        var host = settings.Host switch
        {
            _ when route.IncludeHost => true,
            HostRateLimits.Include => true,
            HostRateLimits.Override => route.Own.IsEmpty,
            _ => false,
        };
        return (host ? route.Own.Concat(route.Host) : route.Own).Where(rule => rule.Stage == settings.Stage);
    }

    private static bool Describe(Exchange exchange, in RequestHead head, RateLimitRule rule, List<DescriptorEntry> entries)
    {
        foreach (var action in rule.Actions)
        {
            if (!action.TryDescribe(exchange, head, entries))
            {
                return false;
            }
        }

        return entries.Count > 0;
    }

    private TokenBucket? Find(List<DescriptorEntry> entries)
    {
        foreach (var (known, bucket) in _descriptors)
        {
            if (known.AsSpan().SequenceEqual(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(entries)))
            {
                return bucket;
            }
        }

        return null;
    }
}
