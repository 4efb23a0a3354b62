using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Envoy.Config.Trace.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Type.Tracing.V3;
using Envoy.Type.V3;
using Google.Protobuf.Collections;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Telemetry.Formatting;
using Waypoint.Proxy.Telemetry.Tracing;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>Tracing of a chain. A provider that this version cannot speak to is reported by name, and then there is no tracing.</summary>
internal static class TracingTranslator
{
    private const string OpenTelemetry = "envoy.config.trace.v3.OpenTelemetryConfig";
    private const string AlwaysOn = "envoy.extensions.tracers.opentelemetry.samplers.v3.AlwaysOnSamplerConfig";

    /// <returns>Null without a provider: Envoy neither tells spans then nor touches headers.</returns>
    /// <exception cref="ResourceException">It cannot be read.</exception>
    public static TracingSettings? Translate(HttpConnectionManager.Types.Tracing? tracing, Func<string, ClusterSlot> cluster, TranslationScope scope)
    {
        if (tracing?.Provider is not { } provider)
        {
            return null;
        }

        using var part = scope.Enter("tracing");
        if (provider.TypedConfig?.TypeName() is not OpenTelemetry)
        {
            scope.Unsupported($"tracing provider '{provider.Name}'");
            return null;
        }

        var config = provider.TypedConfig.Open<OpenTelemetryConfig>(scope, "provider.typed_config");
        foreach (var detector in config.ResourceDetectors)
        {
            scope.Unsupported($"resource_detectors: '{detector.Name}'");
        }

        var samplesAll = config.Sampler?.TypedConfig?.TypeName() == AlwaysOn;
        scope.UnsupportedIf(config.Sampler is not null && !samplesAll, $"sampler '{config.Sampler?.Name}'");

        // A span of its own for the way to the backend: ours stands for both, as Envoy's does by default.
        scope.UnsupportedIf(tracing.SpawnUpstreamSpan is true, "spawn_upstream_span");
        return new TracingSettings(Collector(config, cluster, scope))
        {
            RandomShare = samplesAll ? 1 : Share(tracing.RandomSampling),
            OverallShare = Share(tracing.OverallSampling),
            MaxPathLength = (int)Math.Min(tracing.MaxPathTagLength ?? 256, 64 * 1024),
            Tags = Tags(tracing.CustomTags, scope),
        };
    }

    private static TraceCollector Collector(OpenTelemetryConfig config, Func<string, ClusterSlot> cluster, TranslationScope scope)
    {
        var name = config.ServiceName is { Length: > 0 } given ? given : "unknown_service:envoy";
        if (config.GrpcService is { } grpc)
        {
            return grpc.TargetSpecifierCase != GrpcService.TargetSpecifierOneofCase.EnvoyGrpc
                ? throw scope.Invalid("grpc_service.target_specifier", $"{grpc.TargetSpecifierCase} is not supported")
                : new TraceCollector(cluster(grpc.EnvoyGrpc.ClusterName), name)
                {
                    Authority = grpc.EnvoyGrpc.Authority is { Length: > 0 } authority ? authority : null,
                    Timeout = grpc.Timeout.ToTime(TimeSpan.FromSeconds(10), scope, "grpc_service.timeout"),
                    Headers = [.. grpc.InitialMetadata.Select(header => KeyValuePair.Create(header.Key.ToLowerInvariant(), header.Value))],
                };
        }

        if (config.HttpService?.HttpUri is not { } target || target.Cluster.Length == 0 || !Uri.TryCreate(target.Uri, UriKind.Absolute, out var uri))
        {
            throw scope.Invalid("provider.typed_config", "neither a grpc_service nor an http_service with a cluster and an absolute uri");
        }

        return new TraceCollector(cluster(target.Cluster), name)
        {
            HttpPath = uri.PathAndQuery,
            Authority = uri.Authority,
            Timeout = target.Timeout.ToTime(TimeSpan.FromSeconds(10), scope, "http_service.http_uri.timeout"),
            Headers = [.. config.HttpService.RequestHeadersToAdd.Select(option => KeyValuePair.Create(option.Header.Key, option.Header.Value))],
        };
    }

    private static ImmutableArray<SpanTag> Tags(RepeatedField<CustomTag> tags, TranslationScope scope)
    {
        var translated = ImmutableArray.CreateBuilder<SpanTag>(tags.Count);
        foreach (var tag in tags)
        {
            using var part = scope.Enter($"custom tag '{tag.Tag}'");
            if (Format(tag, scope) is { } format)
            {
                translated.Add(new SpanTag(tag.Tag, FormatTranslator.Text(format, omitEmpty: true, scope, "value")));
            }
        }

        return translated.DrainToImmutable();
    }

    /// <summary>The tag's value in the format language, which can say all of them.</summary>
    private static string? Format(CustomTag tag, TranslationScope scope)
    {
        switch (tag.TypeCase)
        {
            case CustomTag.TypeOneofCase.Literal:
                return Escape(tag.Literal.Value);
            case CustomTag.TypeOneofCase.Environment:
                return Escape(Environment.GetEnvironmentVariable(tag.Environment.Name) ?? tag.Environment.DefaultValue);
            case CustomTag.TypeOneofCase.RequestHeader when tag.RequestHeader.DefaultValue.Length == 0:
                return $"%REQ({tag.RequestHeader.Name})%";
            case CustomTag.TypeOneofCase.RequestHeader:
                var name = tag.RequestHeader.Name.Replace("'", "", StringComparison.Ordinal);
                var otherwise = tag.RequestHeader.DefaultValue.Replace("\\", @"\\", StringComparison.Ordinal).Replace("'", @"\'", StringComparison.Ordinal);
                return $"%CEL(has(request.headers['{name}']) ? request.headers['{name}'] : '{otherwise}')%";
            case CustomTag.TypeOneofCase.Metadata when tag.Metadata.Kind?.Request is not null && tag.Metadata.MetadataKey is { } key:
                scope.UnsupportedIf(tag.Metadata.DefaultValue.Length > 0, "default_value of metadata");
                return $"%DYNAMIC_METADATA({string.Join(':', key.Path.Select(segment => segment.Key).Prepend(key.Key))})%";
            case CustomTag.TypeOneofCase.Value:
                return tag.Value;
            default:
                scope.Unsupported($"custom tag '{tag.Tag}' of kind {tag.TypeCase}");
                return null;
        }
    }

    private static string Escape(string literal) => literal.Replace("%", "%%", StringComparison.Ordinal);

    // Envoy: no percentage is all of it.
    private static double Share(Percent? percent) => percent is null ? 1 : percent.Value / 100;
}
