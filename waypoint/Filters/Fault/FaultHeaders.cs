using System.Globalization;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.Fault;

/// <summary>What a request says of the faults it wants, where the configuration lets it.</summary>
internal static class FaultHeaders
{
    public const string DownstreamNode = "x-envoy-downstream-service-node";
    private const string DelayRequest = "x-envoy-fault-delay-request";
    private const string AbortRequest = "x-envoy-fault-abort-request";
    private const string AbortGrpcRequest = "x-envoy-fault-abort-grpc-request";
    private const string Percentage = "-percentage";

    public static TimeSpan? Delay(IHeaderDictionary headers) =>
        Number(headers, DelayRequest) is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null;

    public static Fraction DelayShare(IHeaderDictionary headers, Fraction most) => Lowered(headers, DelayRequest + Percentage, most);

    /// <summary>Both null when the request wants none, or none that there is.</summary>
    public static (int? HttpStatus, int? GrpcStatus) Abort(IHeaderDictionary headers) =>
        Number(headers, AbortRequest) is >= 200 and < 600 and var status
            ? ((int)status, null)
            : (null, (int?)Number(headers, AbortGrpcRequest));

    public static Fraction AbortShare(IHeaderDictionary headers, Fraction most) => Lowered(headers, AbortRequest + Percentage, most);

    private static Fraction Lowered(IHeaderDictionary headers, string name, Fraction most) =>
        Number(headers, name) is { } numerator && numerator < most.Numerator ? most with { Numerator = numerator } : most;

    private static uint? Number(IHeaderDictionary headers, string name) =>
        headers.TryGetValue(name, out var values)
        && uint.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number <= int.MaxValue
            ? number
            : null;
}
