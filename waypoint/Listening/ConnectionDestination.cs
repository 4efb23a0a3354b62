using System.Net;
using Waypoint.Proxy.Mesh;

namespace Waypoint.Proxy.Listening;

/// <summary>The feature that a connection carries into the HTTP server.</summary>
internal sealed class ConnectionDestination(
    MeshState mesh, IPEndPoint original, IPEndPoint client, string? clientPrincipal, bool isMutualTls = false) : IConnectionDestination
{
    // One reference, so that the streams of an HTTP/2 connection may resolve at the same time.
    private volatile Resolved? _resolved;

    public IPEndPoint Original => original;

    public IPEndPoint Client => client;

    public string? ClientPrincipal => clientPrincipal;

    public bool IsMutualTls => isMutualTls;

    public HttpChain? CurrentChain()
    {
        var snapshot = mesh.Current;
        var resolved = _resolved;
        if (resolved is null || !ReferenceEquals(resolved.Snapshot, snapshot))
        {
            _resolved = resolved = new Resolved(snapshot, snapshot.FindDestination(original)?.Http);
        }

        return resolved.Chain;
    }

    private sealed record Resolved(MeshSnapshot Snapshot, HttpChain? Chain);
}
