using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Istio.Stats;
using Waypoint.Proxy.Telemetry.Stats;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>The configuration of Istio's metrics filter, which comes as a typed struct.</summary>
internal static class StatsTranslator
{
    public const string Type = "stats.PluginConfig";

    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));

    /// <summary>What the statistics filter among these says; nothing when there is none.</summary>
    /// <exception cref="ResourceException">It cannot be read, or an expression in it.</exception>
    public static StatsSettings Find(IEnumerable<(string Name, Any? Config)> filters, TranslationScope scope)
    {
        foreach (var (name, config) in filters)
        {
            if (config is not null && config.TypeName() == Type)
            {
                return Translate(config, name, scope);
            }
        }

        return StatsSettings.Default;
    }

    /// <exception cref="ResourceException">It cannot be read, or an expression in it.</exception>
    public static StatsSettings Translate(Any config, string filter, TranslationScope scope)
    {
        using var part = scope.Enter($"filter '{filter}'");
        var plugin = Read(config, scope);
        var rules = new List<(IstioMetric?, LabelRule)>();
        foreach (var metric in plugin.Metrics)
        {
            if (metric.Name.Length > 0 && IstioMetricNames.Parse(metric.Name) is null)
            {
                scope.Unsupported($"metric '{metric.Name}'");
                continue;
            }

            rules.Add((metric.Name.Length == 0 ? null : IstioMetricNames.Parse(metric.Name), Rule(metric, scope)));
        }

        var settings = new StatsSettings(rules);
        return plugin.TcpReportingDuration is null
            ? settings
            : new StatsSettings(rules) { TcpReportingDuration = plugin.TcpReportingDuration.ToTime(settings.TcpReportingDuration, scope, "tcp_reporting_duration") };
    }

    private static LabelRule Rule(MetricConfig metric, TranslationScope scope)
    {
        using var part = scope.Enter(metric.Name.Length > 0 ? $"metric '{metric.Name}'" : "all metrics");
        return new LabelRule(metric.TagsToRemove)
        {
            Drop = metric.Drop,
            Match = metric.Match.Length > 0 ? ExpressionTranslator.Translate(metric.Match, scope, "match") : null,
            Dimensions =
            [
                .. metric.Dimensions
                    .OrderBy(dimension => dimension.Key, StringComparer.Ordinal)
                    .Select(dimension => (dimension.Key, ExpressionTranslator.Translate(dimension.Value, scope, $"dimensions['{dimension.Key}']"))),
            ],
        };
    }

    private static PluginConfig Read(Any config, TranslationScope scope)
    {
        try
        {
            var fields = config switch
            {
                _ when config.Is(Udpa.Type.V1.TypedStruct.Descriptor) => config.Unpack<Udpa.Type.V1.TypedStruct>().Value,
                _ when config.Is(global::Xds.Type.V3.TypedStruct.Descriptor) => config.Unpack<global::Xds.Type.V3.TypedStruct>().Value,
                _ => null,
            };
            return fields is null ? config.Unpack<PluginConfig>() : Parser.Parse<PluginConfig>(JsonFormatter.Default.Format(fields));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw scope.Invalid("typed_config", e.Message, e);
        }
        catch (InvalidJsonException e)
        {
            throw scope.Invalid("typed_config", e.Message, e);
        }
    }
}
