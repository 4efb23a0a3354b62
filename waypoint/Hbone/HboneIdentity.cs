using Waypoint.Xds.Identity;

namespace Waypoint.Proxy.Hbone;

/// <summary>The waypoint's identity, if it is to have one.</summary>
/// <param name="Workload">Null without a certificate authority (no CA_ADDR): no HBONE then, neither in nor out.</param>
internal sealed record HboneIdentity(WorkloadIdentity? Workload);
