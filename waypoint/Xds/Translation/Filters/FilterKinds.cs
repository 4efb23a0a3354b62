using System.Collections.Frozen;

namespace Waypoint.Proxy.Xds.Translation.Filters;

/// <summary>
/// What is known of filters that have no translator, by the type of their configuration. A filter that is on neither list may be one that decides who
/// may pass (Lua, Wasm, a token of some other kind), so it is taken for one.
/// </summary>
internal static class FilterKinds
{
    /// <summary>There is nothing to do for them here: the end of the chain; peer metadata, filter state and statistics, which telemetry takes from WDS.</summary>
    public static FrozenSet<string> Done { get; } = Of(
        "envoy.extensions.filters.http.router.v3.Router",
        "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
        "envoy.extensions.filters.http.set_filter_state.v3.Config",
        "envoy.extensions.filters.network.set_filter_state.v3.Config",
        "envoy.tcp.metadataexchange.config.MetadataExchange",
        "io.istio.http.peer_metadata.Config",
        "stats.PluginConfig");

    /// <summary>They change how requests are carried, or protect backends from load: without them nobody gets at what is not theirs.</summary>
    public static FrozenSet<string> Harmless { get; } = Of(
        "envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency",
        "envoy.extensions.filters.http.admission_control.v3.AdmissionControl",
        "envoy.extensions.filters.http.bandwidth_limit.v3.BandwidthLimit",
        "envoy.extensions.filters.http.buffer.v3.Buffer",
        "envoy.extensions.filters.http.cache.v3.CacheConfig",
        "envoy.extensions.filters.http.compressor.v3.Compressor",
        "envoy.extensions.filters.http.custom_response.v3.CustomResponse",
        "envoy.extensions.filters.http.decompressor.v3.Decompressor",
        "envoy.extensions.filters.http.grpc_http1_bridge.v3.Config",
        "envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
        "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb",
        "envoy.extensions.filters.http.health_check.v3.HealthCheck",
        "envoy.extensions.filters.http.ratelimit.v3.RateLimit",
        "envoy.extensions.filters.http.stateful_session.v3.StatefulSession",
        "envoy.extensions.filters.http.tap.v3.Tap",
        "envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit",
        "envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit",
        "envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy",
        "envoy.extensions.filters.network.mysql_proxy.v3.MySQLProxy",
        "envoy.extensions.filters.network.postgres_proxy.v3alpha.PostgresProxy",
        "envoy.extensions.filters.network.ratelimit.v3.RateLimit",
        "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig");

    private static FrozenSet<string> Of(params string[] types) => types.ToFrozenSet(StringComparer.Ordinal);
}
