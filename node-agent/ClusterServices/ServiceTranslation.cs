using System.Collections.Immutable;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.ClusterServices;

/// <param name="Service">What is to be served; null when the service has no cluster address, or is another proxy's.</param>
/// <param name="Unsupported">What of it is not served.</param>
internal sealed record ServiceTranslation(ClusterService? Service, ImmutableArray<UnsupportedFeature> Unsupported)
{
    public static ServiceTranslation Nothing { get; } = new(null, []);
}

/// <param name="Feature">The field and, where that decides, its value: the same for all services.</param>
/// <param name="Effect">What becomes of it.</param>
internal readonly record struct UnsupportedFeature(string Feature, string Effect);
