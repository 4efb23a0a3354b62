using System.Net;
using Envoy.Config.Core.V3;

namespace Waypoint.Xds.Delta.Server;

/// <summary>Decides which resources a client sees. The control plane supplies it.</summary>
public interface IResourceViews
{
    /// <summary>Called once for each stream.</summary>
    /// <param name="node">Who the client says it is.</param>
    /// <param name="peer">Where it comes from.</param>
    /// <exception cref="Grpc.GrpcException">The client is refused, with that status.</exception>
    IResourceView Open(Node node, IPEndPoint peer);
}

/// <summary>What one client sees.</summary>
public interface IResourceView
{
    /// <summary>The resources of a type; null when the client sees none and never will.</summary>
    ResourceCollection? Find(string typeUrl);
}
