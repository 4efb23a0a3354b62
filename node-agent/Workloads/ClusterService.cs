using System.Collections.Immutable;

namespace Waypoint.NodeAgent.Workloads;

/// <summary>A service as the Kubernetes API describes it, reduced to what this node's part of it is. Immutable.</summary>
/// <param name="Key"><c>namespace/name</c>.</param>
/// <param name="Addresses">Its cluster addresses, one of each family at most.</param>
internal sealed record ClusterService(string Key, ImmutableArray<InternetAddress> Addresses, ImmutableArray<ClusterServicePort> Ports);

/// <param name="Port">Of TCP, 1 to 65535, unique in its service.</param>
/// <param name="Endpoints">Those of both families that this node is to use; empty refuses connections.</param>
internal readonly record struct ClusterServicePort(ushort Port, ImmutableArray<ClusterEndpoint> Endpoints);

internal readonly record struct ClusterEndpoint(InternetAddress Address, ushort Port);
