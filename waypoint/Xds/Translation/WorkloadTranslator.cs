using System.Net;
using Istio.Workload;
using Workload = Waypoint.Proxy.Mesh.Workload;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>Workloads, from WDS.</summary>
internal static class WorkloadTranslator
{
    public static Workload Translate(Istio.Workload.Workload workload, TranslationScope scope)
    {
        if (workload.Uid.Length == 0)
        {
            throw scope.Invalid("uid", "empty");
        }

        return new Workload
        {
            Uid = workload.Uid,
            Addresses = [.. workload.Addresses.Select(address => address.Length is 4 or 16
                ? new IPAddress(address.Span)
                : throw scope.Invalid("addresses", $"an address of {address.Length} bytes; 4 or 16 are needed"))],
            Name = workload.Name,
            Namespace = workload.Namespace,
            ServiceAccount = workload.ServiceAccount is { Length: > 0 } account ? account : "default",
            TrustDomain = workload.TrustDomain is { Length: > 0 } domain ? domain : "cluster.local",
            WorkloadName = workload.WorkloadName,
            CanonicalName = workload.CanonicalName,
            CanonicalRevision = workload.CanonicalRevision,
            ClusterId = workload.ClusterId,
            Node = workload.Node,
            Region = workload.Locality?.Region ?? "",
            Zone = workload.Locality?.Zone ?? "",
            SubZone = workload.Locality?.Subzone ?? "",
            HasApplicationTunnel = workload.ApplicationTunnel is { Protocol: ApplicationTunnel.Types.Protocol.Proxy },
            SharesNodeAddress = workload.NetworkMode == NetworkMode.HostNetwork,
        };
    }
}
