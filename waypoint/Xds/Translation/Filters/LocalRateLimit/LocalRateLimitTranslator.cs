using System.Collections.Immutable;
using Envoy.Extensions.Common.Ratelimit.V3;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Filters.LocalRateLimit;
using Waypoint.Proxy.Routing;
using Wire = Envoy.Extensions.Filters.Http.LocalRatelimit.V3;

namespace Waypoint.Proxy.Xds.Translation.Filters.LocalRateLimit;

/// <summary><c>envoy.filters.http.local_ratelimit</c>, which users of Istio ask for by an EnvoyFilter.</summary>
internal sealed class LocalRateLimitTranslator(LocalRateLimitMetrics metrics, TimeProvider time) : IHttpFilterTranslator
{
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(50);

    public string Type => "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";

    public string RouteType => Type;

    public IHttpFilter? Translate(FilterSource source) =>
        new LocalRateLimitFilter(source.Name, new RateLimitScope(Settings(Open(source), source.Scope), time), metrics);

    public object TranslateRoute(FilterSource source)
    {
        var config = Open(source);
        return config.TokenBucket is not null
            ? new RateLimitScope(Settings(config, source.Scope), time)
            : throw source.Scope.Invalid("token_bucket", "missing");
    }

    private static Wire.LocalRateLimit Open(FilterSource source) => source.Config.Open<Wire.LocalRateLimit>(source.Scope, "typed_config");

    private static RateLimitSettings Settings(Wire.LocalRateLimit config, TranslationScope scope)
    {
        scope.UnsupportedIf(config.LocalClusterRateLimit is not null, "local_cluster_rate_limit");
        var status = (int)(config.Status?.Code ?? 0);
        return new RateLimitSettings
        {
            Default = config.TokenBucket is { } bucket ? Bucket(bucket, "token_bucket", scope) : null,
            Descriptors = [.. config.Descriptors.Select(descriptor => Descriptor(descriptor, scope))],
            Rules = RateLimitRuleTranslator.Translate(config.RateLimits, scope),
            Stage = config.Stage,
            Host = config.VhRateLimits switch
            {
                VhRateLimitsOptions.Include => HostRateLimits.Include,
                VhRateLimitsOptions.Ignore => HostRateLimits.Ignore,
                _ => HostRateLimits.Override,
            },
            AlwaysConsumeDefault = config.AlwaysConsumeDefaultTokenBucket ?? true,
            Enabled = config.FilterEnabled is null ? new Fraction(0, 100) : RouteMatchTranslator.Share(config.FilterEnabled),
            Enforced = config.FilterEnforced is null ? new Fraction(0, 100) : RouteMatchTranslator.Share(config.FilterEnforced),
            Status = status is >= 400 and < 600 ? status : StatusCodes.Status429TooManyRequests,
            ResponseHeaders = HeaderTranslator.Translate([], config.ResponseHeadersToAdd, scope, "response_headers_to_add"),
            RequestHeadersWhenNotEnforced = HeaderTranslator.Translate(
                [], config.RequestHeadersToAddWhenNotEnforced, scope, "request_headers_to_add_when_not_enforced"),
            TellsLimit = config.EnableXRatelimitHeaders == XRateLimitHeadersRFCVersion.DraftVersion03,
            AsResourceExhausted = config.RateLimitedAsResourceExhausted,
            PerConnection = config.LocalRateLimitPerDownstreamConnection,
        };
    }

    private static (ImmutableArray<DescriptorEntry> Entries, TokenBucketSettings Bucket) Descriptor(
        LocalRateLimitDescriptor descriptor, TranslationScope scope)
    {
        using var part = scope.Enter("descriptors");
        scope.UnsupportedIf(descriptor.Entries.Any(entry => entry.Value.Length == 0), "rate limit descriptor for any value");
        return (
            [.. descriptor.Entries.Select(entry => new DescriptorEntry(entry.Key, entry.Value))],
            Bucket(descriptor.TokenBucket ?? throw scope.Invalid("token_bucket", "missing"), "token_bucket", scope));
    }

    private static TokenBucketSettings Bucket(Envoy.Type.V3.TokenBucket bucket, string field, TranslationScope scope)
    {
        var interval = bucket.FillInterval.ToTime(TimeSpan.Zero, scope, $"{field}.fill_interval");
        if (interval < ShortestInterval)
        {
            throw scope.Invalid($"{field}.fill_interval", $"{interval.TotalMilliseconds} ms is less than {ShortestInterval.TotalMilliseconds}");
        }

        return bucket.MaxTokens > 0
            ? new TokenBucketSettings(bucket.MaxTokens, bucket.TokensPerFill ?? 1, interval)
            : throw scope.Invalid($"{field}.max_tokens", "must be more than 0");
    }
}
