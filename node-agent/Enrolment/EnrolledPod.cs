using Waypoint.NodeAgent.Intent;

namespace Waypoint.NodeAgent.Enrolment;

/// <summary>A pod whose connections the kernel engine looks at.</summary>
/// <param name="Cookie">The number of its network namespace.</param>
/// <param name="Name">What the one who enrolled it calls it. Like the path it is not in the maps: a restarted agent does not know it.</param>
/// <param name="Path">Where its network namespace was found.</param>
internal sealed record EnrolledPod(ulong Cookie, PodAddresses Addresses, string? Name, string? Path);
