namespace Waypoint.NodeAgent.Enrolment;

/// <summary>A pod cannot be enrolled (or un-enrolled) as asked. The message names the pod and says why.</summary>
internal sealed class EnrolmentException(string message, EnrolmentFailure failure = EnrolmentFailure.Refused) : Exception(message)
{
    public EnrolmentFailure Failure { get; } = failure;
}

/// <summary>Why an enrolment failed; a metric's label.</summary>
internal enum EnrolmentFailure
{
    /// <summary>The request itself is wrong.</summary>
    Refused,

    /// <summary>No process of the pod is on this node (yet).</summary>
    NoProcess,

    /// <summary>Its network namespace cannot be entered.</summary>
    NoNamespace,

    /// <summary>Its network namespace has not got its addresses (yet).</summary>
    NoAddress,

    /// <summary>The kernel's map of pods is full.</summary>
    MapFull,
}
