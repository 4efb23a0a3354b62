using OutlierDetection = Waypoint.Proxy.LoadBalancing.OutlierDetection;
using Wire = Envoy.Config.Cluster.V3;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>Outlier detection.</summary>
internal static class OutlierTranslator
{
    /// <summary>Where nothing is sent, <see cref="OutlierDetection.Default"/> watches over connecting.</summary>
    public static OutlierDetection Translate(Wire.OutlierDetection? detection, TranslationScope scope)
    {
        if (detection is null)
        {
            return OutlierDetection.Default;
        }

        using var part = scope.Enter("outlier_detection");
        scope.UnsupportedIf(detection.EnforcingSuccessRate > 0, "success rate");
        scope.UnsupportedIf(detection.EnforcingFailurePercentage > 0, "failure percentage");
        scope.UnsupportedIf(detection.Monitors.Count > 0, "monitors");
        var envoy = new OutlierDetection();
        var baseTime = detection.BaseEjectionTime.ToTime(envoy.BaseEjectionTime, scope, "base_ejection_time");
        return envoy with
        {
            ConsecutiveServerErrors = Enforced(detection.Consecutive5Xx ?? 5, detection.EnforcingConsecutive5Xx ?? 100),
            ConsecutiveGatewayFailures = Enforced(detection.ConsecutiveGatewayFailure ?? 5, detection.EnforcingConsecutiveGatewayFailure ?? 0),
            ConsecutiveConnectFailures = detection.SplitExternalLocalOriginErrors
                ? Enforced(detection.ConsecutiveLocalOriginFailure ?? 5, detection.EnforcingConsecutiveLocalOriginFailure ?? 100)
                : 0,
            SplitsLocalOrigin = detection.SplitExternalLocalOriginErrors,
            Interval = detection.Interval.ToTime(envoy.Interval, scope, "interval"),
            BaseEjectionTime = baseTime,
            MaxEjectionTime = detection.MaxEjectionTime.ToTime(
                baseTime > envoy.MaxEjectionTime ? baseTime : envoy.MaxEjectionTime, scope, "max_ejection_time"),
            MaxEjectionPercent = (int)Math.Min(100, detection.MaxEjectionPercent ?? (uint)envoy.MaxEjectionPercent),
            AlwaysEjectOne = detection.AlwaysEjectOneHost ?? false,
        };
    }

    // A share of the ejections that is enforced, in percent; any is taken for all.
    private static int Enforced(uint limit, uint percent) => percent == 0 ? 0 : (int)Math.Min(limit, int.MaxValue);
}
