namespace Waypoint.NodeAgent.Enrolment;

/// <summary>A pod cannot be enrolled (or un-enrolled) as asked. The message names the pod and says why.</summary>
internal sealed class EnrolmentException(string message) : Exception(message);
