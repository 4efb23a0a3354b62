using System.Diagnostics.Metrics;

namespace Waypoint.NodeAgent.Enrolment.Labels;

internal static class EnrolmentMetrics
{
    private static readonly Meter Meter = new("Waypoint.NodeAgent.Enrolment");

    private static readonly Counter<long> Failures = Meter.CreateCounter<long>(
        "waypoint_enrolment_errors_total", null, "Attempts to enrol a pod, or to annotate it, that failed, by reason.");

    public static void CountFailure(EnrolmentFailure failure) => Count(failure switch
    {
        EnrolmentFailure.NoProcess => "no_process",
        EnrolmentFailure.NoNamespace => "no_namespace",
        EnrolmentFailure.NoAddress => "no_address",
        EnrolmentFailure.MapFull => "map_full",
        _ => "refused",
    });

    public static void CountAnnotationFailure() => Count("annotation");

    private static void Count(string reason) => Failures.Add(1, new KeyValuePair<string, object?>("reason", reason));
}
