using Waypoint.NodeAgent.Kubernetes.Model;

namespace Waypoint.NodeAgent.Enrolment.Labels;

/// <summary>Where a pod of this node stands. Immutable.</summary>
/// <param name="Cookie">Of its network namespace; null while it is not enrolled.</param>
/// <param name="Error">Why it could not be enrolled although it is to be; null when nothing failed.</param>
internal sealed record PodEnrolment(ObjectMeta Pod, EnrolmentVerdict Verdict, ulong? Cookie, string? Error);
