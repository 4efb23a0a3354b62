using Envoy.Extensions.Filters.Http.Fault.V3;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Filters.Fault;
using FaultAbort = Waypoint.Proxy.Filters.Fault.FaultAbort;
using FaultDelay = Waypoint.Proxy.Filters.Fault.FaultDelay;
using Wire = Envoy.Extensions.Filters.Http.Fault.V3;

namespace Waypoint.Proxy.Xds.Translation.Filters;

/// <summary>Fault injection, of a chain or of a route.</summary>
internal sealed class FaultTranslator : IHttpFilterTranslator
{
    public string Type => HTTPFault.Descriptor.FullName;

    public string RouteType => HTTPFault.Descriptor.FullName;

    public IHttpFilter Translate(FilterSource source) =>
        new FaultFilter(source.Name, source.Config.Value.IsEmpty ? null : Settings(source), Random.Shared);

    public object TranslateRoute(FilterSource source) => Settings(source);

    private static FaultSettings Settings(FilterSource source)
    {
        var (scope, fault) = (source.Scope, source.Config.Open<HTTPFault>(source.Scope, "typed_config"));
        scope.UnsupportedIf(fault.ResponseRateLimit is not null, $"{source.Name}: response_rate_limit");
        return new FaultSettings
        {
            Delay = fault.Delay is { } delay ? Delay(delay, scope) : null,
            Abort = fault.Abort is { } abort ? Abort(abort, scope) : null,
            UpstreamCluster = fault.UpstreamCluster is { Length: > 0 } cluster ? cluster : null,
            Headers = [.. fault.Headers.Select(header => RouteMatchTranslator.Header(header, scope))],
            DownstreamNodes = fault.DownstreamNodes.ToHashSet(StringComparer.Ordinal),
            MaxActiveFaults = fault.MaxActiveFaults ?? uint.MaxValue,
        };
    }

    private static FaultDelay Delay(Envoy.Extensions.Filters.Common.Fault.V3.FaultDelay delay, TranslationScope scope)
    {
        var share = RouteMatchTranslator.Share(delay.Percentage);
        switch (delay.FaultDelaySecifierCase)
        {
            case Envoy.Extensions.Filters.Common.Fault.V3.FaultDelay.FaultDelaySecifierOneofCase.FixedDelay:
                return new FaultDelay(delay.FixedDelay.ToTime(TimeSpan.Zero, scope, "delay.fixed_delay"), share);
            case Envoy.Extensions.Filters.Common.Fault.V3.FaultDelay.FaultDelaySecifierOneofCase.HeaderDelay:
                return new FaultDelay(null, share);
            default:
                throw scope.Invalid("delay", "neither a fixed delay nor one by header");
        }
    }

    private static FaultAbort Abort(Wire.FaultAbort abort, TranslationScope scope)
    {
        var share = RouteMatchTranslator.Share(abort.Percentage);
        return abort.ErrorTypeCase switch
        {
            Wire.FaultAbort.ErrorTypeOneofCase.HttpStatus when abort.HttpStatus is >= 200 and < 600 => new FaultAbort((int)abort.HttpStatus, null, share),
            Wire.FaultAbort.ErrorTypeOneofCase.HttpStatus => throw scope.Invalid("abort.http_status", $"{abort.HttpStatus} is not a status from 200 to 599"),
            Wire.FaultAbort.ErrorTypeOneofCase.GrpcStatus => new FaultAbort(null, (int)abort.GrpcStatus, share),
            Wire.FaultAbort.ErrorTypeOneofCase.HeaderAbort => new FaultAbort(null, null, share),
            _ => throw scope.Invalid("abort", "neither a status nor one by header"),
        };
    }
}
