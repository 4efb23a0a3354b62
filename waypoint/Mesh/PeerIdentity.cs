using System.Net;

namespace Waypoint.Proxy.Mesh;

/// <summary>
/// Who a client is (design D3): the identity that it proved (its certificate, or a carrier that may be believed), otherwise that of the
/// workload at its address.
/// </summary>
internal sealed class PeerIdentity(MeshState mesh)
{
    /// <param name="address">The client's real address.</param>
    /// <param name="proven">Its SPIFFE URI if it proved one.</param>
    /// <returns>A SPIFFE URI; null when nobody knows the client. Allocates nothing.</returns>
    public string? Find(IPAddress address, string? proven)
    {
        if (proven is not null)
        {
            return proven;
        }

        // A node's address belongs to everything that runs on the node's network: it proves nobody's identity.
        return mesh.Workloads.Find(address) is { SharesNodeAddress: false } workload ? workload.Principal : null;
    }
}
