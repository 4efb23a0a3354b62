using System.Collections.Frozen;
using System.Collections.Immutable;
using Envoy.Config.Accesslog.V3;
using Envoy.Extensions.AccessLoggers.File.V3;
using Envoy.Extensions.AccessLoggers.Stream.V3;
using Envoy.Type.V3;
using Google.Protobuf.Collections;
using Waypoint.Proxy.Telemetry;
using Waypoint.Proxy.Telemetry.AccessLogging;
using Waypoint.Proxy.Telemetry.Expressions;
using Waypoint.Proxy.Telemetry.Formatting;
using ComparisonFilter = Waypoint.Proxy.Telemetry.AccessLogging.ComparisonFilter;
using ExpressionFilter = Waypoint.Proxy.Telemetry.AccessLogging.ExpressionFilter;
using GrpcStatusFilter = Waypoint.Proxy.Telemetry.AccessLogging.GrpcStatusFilter;
using HeaderFilter = Waypoint.Proxy.Telemetry.AccessLogging.HeaderFilter;
using Wire = Envoy.Config.Accesslog.V3;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>The access logs of a chain. A log that this version cannot write is reported by name.</summary>
internal static class AccessLogTranslator
{
    // Flags that Envoy has and nothing here sets: a filter for them is right to find none.
    private static readonly FrozenSet<string> FlagsOfEnvoy = new[]
    {
        "LH", "UH", "UT", "LR", "UR", "UF", "UC", "UO", "NR", "DI", "FI", "RL", "UAEX", "RLSE", "DC", "URX", "SI", "IH", "DPE", "UMSDR", "RFCF",
        "NFCF", "DT", "UPE", "NC", "OM", "DF", "DO", "DR", "UDO",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <exception cref="ResourceException">A format or a filter cannot be used.</exception>
    public static ImmutableArray<AccessLogger> Translate(RepeatedField<Wire.AccessLog> logs, TranslationScope scope)
    {
        var loggers = ImmutableArray.CreateBuilder<AccessLogger>(logs.Count);
        for (var i = 0; i < logs.Count; i++)
        {
            using var part = scope.Enter($"access_log[{i}] '{logs[i].Name}'");
            if (Logger(logs[i], scope) is { } logger)
            {
                loggers.Add(logger);
            }
        }

        return loggers.DrainToImmutable();
    }

    private static AccessLogger? Logger(Wire.AccessLog log, TranslationScope scope)
    {
        var config = log.TypedConfig ?? throw scope.Invalid("typed_config", "missing");
        var filter = log.Filter is null ? null : Filter(log.Filter, scope);
        switch (config.TypeName())
        {
            case "envoy.extensions.access_loggers.file.v3.FileAccessLog":
                var file = config.Open<FileAccessLog>(scope, "typed_config");
                return file.Path.Length == 0
                    ? throw scope.Invalid("path", "empty")
                    : new AccessLogger(file.Path, FormatTranslator.Line(file.LogFormat, scope, "log_format"), filter);
            case "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog":
                var stdout = config.Open<StdoutAccessLog>(scope, "typed_config");
                return new AccessLogger(AccessLogger.StandardOutput, FormatTranslator.Line(stdout.LogFormat, scope, "log_format"), filter);
            case "envoy.extensions.access_loggers.stream.v3.StderrAccessLog":
                var stderr = config.Open<StderrAccessLog>(scope, "typed_config");
                return new AccessLogger(AccessLogger.StandardError, FormatTranslator.Line(stderr.LogFormat, scope, "log_format"), filter);
            case var type:
                scope.Unsupported(type);
                return null;
        }
    }

    private static LogFilter Filter(AccessLogFilter filter, TranslationScope scope)
    {
        switch (filter.FilterSpecifierCase)
        {
            case AccessLogFilter.FilterSpecifierOneofCase.AndFilter:
                return new AllOf([.. filter.AndFilter.Filters.Select(inner => Filter(inner, scope))]);
            case AccessLogFilter.FilterSpecifierOneofCase.OrFilter:
                return new AnyOf([.. filter.OrFilter.Filters.Select(inner => Filter(inner, scope))]);
            case AccessLogFilter.FilterSpecifierOneofCase.StatusCodeFilter:
                return Comparison(static s => s.Status, filter.StatusCodeFilter.Comparison, scope, "status_code_filter.comparison");
            case AccessLogFilter.FilterSpecifierOneofCase.DurationFilter:
                return Comparison(static s => (long)s.Age.TotalMilliseconds, filter.DurationFilter.Comparison, scope, "duration_filter.comparison");
            case AccessLogFilter.FilterSpecifierOneofCase.NotHealthCheckFilter:
                return Always.Instance;
            case AccessLogFilter.FilterSpecifierOneofCase.RuntimeFilter:
                return new ShareFilter(Share(filter.RuntimeFilter.PercentSampled));
            case AccessLogFilter.FilterSpecifierOneofCase.HeaderFilter when filter.HeaderFilter.Header is { } header:
                return new HeaderFilter(RouteMatchTranslator.Header(header, scope));
            case AccessLogFilter.FilterSpecifierOneofCase.ResponseFlagFilter:
                return Flags(filter.ResponseFlagFilter.Flags, scope);
            case AccessLogFilter.FilterSpecifierOneofCase.GrpcStatusFilter:
                return new GrpcStatusFilter(filter.GrpcStatusFilter.Statuses.Select(status => (long)status).ToFrozenSet(), filter.GrpcStatusFilter.Exclude);
            case AccessLogFilter.FilterSpecifierOneofCase.ExtensionFilter:
                return Extension(filter.ExtensionFilter, scope);
            default:
                // Newer than this version: a line too many is better than none.
                scope.Unsupported("access_log.filter of an unknown kind (everything is logged)");
                return Always.Instance;
        }
    }

    private static ComparisonFilter Comparison(Func<StreamInfo, long> read, Wire.ComparisonFilter? comparison, TranslationScope scope, string field)
    {
        if (comparison?.Value is not { } value)
        {
            throw scope.Invalid(field, "missing");
        }

        return new ComparisonFilter(
            read,
            comparison.Op switch
            {
                Wire.ComparisonFilter.Types.Op.Eq => ComparisonOperator.Equal,
                Wire.ComparisonFilter.Types.Op.Ge => ComparisonOperator.AtLeast,
                Wire.ComparisonFilter.Types.Op.Le => ComparisonOperator.AtMost,
                _ => throw scope.Invalid($"{field}.op", $"{comparison.Op} is not supported"),
            },
            value.DefaultValue);
    }

    private static double Share(FractionalPercent? percent) => percent is null ? 0 : percent.Numerator / percent.Denominator switch
    {
        FractionalPercent.Types.DenominatorType.TenThousand => 10_000.0,
        FractionalPercent.Types.DenominatorType.Million => 1_000_000.0,
        _ => 100.0,
    };

    private static FlagFilter Flags(RepeatedField<string> names, TranslationScope scope)
    {
        var flags = ResponseFlags.None;
        foreach (var name in names)
        {
            if (!FlagsOfEnvoy.Contains(name))
            {
                throw scope.Invalid("response_flag_filter.flags", $"'{name}' is not a response flag");
            }

            flags |= ResponseFlagNames.Parse(name) ?? ResponseFlags.None;
        }

        return new FlagFilter(flags, any: names.Count == 0);
    }

    private static LogFilter Extension(ExtensionFilter extension, TranslationScope scope)
    {
        if (extension.TypedConfig is { } config && config.Is(Envoy.Extensions.AccessLoggers.Filters.Cel.V3.ExpressionFilter.Descriptor))
        {
            var expression = config.Open<Envoy.Extensions.AccessLoggers.Filters.Cel.V3.ExpressionFilter>(scope, "extension_filter.typed_config").Expression;
            return new ExpressionFilter(ExpressionTranslator.Translate(expression, scope, "extension_filter.expression"));
        }

        scope.Unsupported($"access_log.filter '{extension.Name}' (everything is logged)");
        return Always.Instance;
    }
}
