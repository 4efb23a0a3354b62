using Istio.Workload;
using Waypoint.Xds.Delta;
using Waypoint.Xds.Delta.Client;

namespace Waypoint.NodeAgent.Reconciliation;

/// <summary>Takes what the control plane says of workloads and services to the reconciler.</summary>
internal sealed class AddressHandler(Reconciler reconciler) : ResourceHandler<Address>(ResourceTypes.Address, Address.Parser)
{
    protected override void Apply(
        IReadOnlyList<ParsedResource<Address>> changed, IReadOnlyList<string> removed, ICollection<Rejection> rejections)
    {
        foreach ((string name, string reason) in reconciler.Apply(changed.Select(resource => KeyValuePair.Create(resource.Name, resource.Message)), removed))
        {
            rejections.Add(new Rejection(name, reason));
        }
    }
}
