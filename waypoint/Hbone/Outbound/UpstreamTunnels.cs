using System.Net;
using Waypoint.Proxy.Mesh;
using Waypoint.Xds.Identity;

namespace Waypoint.Proxy.Hbone.Outbound;

/// <summary>Tunnels to the endpoints that the control plane marks for HBONE, and the rule for when to do without.</summary>
internal sealed class UpstreamTunnels : IAsyncDisposable
{
    private readonly UpstreamHboneMode _mode;
    private readonly WorkloadDirectory _workloads;
    private readonly KeyValuePair<string, string>[] _headers;
    private readonly TunnelPool? _pool;
    private readonly TunnelMemory _memory = new(TimeProvider.System);

    /// <param name="mode">When to tunnel.</param>
    /// <param name="identity">Without one there is no tunnel.</param>
    /// <param name="workloads">Who is to be expected at an address.</param>
    /// <param name="baggage">What the waypoint says of itself.</param>
    /// <param name="refusals">Hears of servers that are not who they should be.</param>
    /// <param name="place">As for <see cref="TunnelDialer"/>.</param>
    public UpstreamTunnels(
        UpstreamHboneMode mode,
        HboneIdentity identity,
        WorkloadDirectory workloads,
        string baggage,
        TunnelRefusals refusals,
        Func<IPAddress, IPEndPoint>? place = null)
    {
        (_mode, _workloads) = (mode, workloads);
        _headers = [new("baggage", baggage)];
        if (identity.Workload is { } own)
        {
            _pool = new TunnelPool(new TunnelDialer(own, refusals, place).DialAsync, new TunnelSessionSettings());
        }
    }

    /// <summary>Opens a tunnel to an endpoint that is marked for HBONE.</summary>
    /// <param name="endpoint">Address and port.</param>
    /// <param name="client">For whom, when the tunnel is for one client alone.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Null when the endpoint is to be dialled plainly.</returns>
    /// <exception cref="TunnelException">There is no tunnel, and the endpoint must not be dialled plainly.</exception>
    public async ValueTask<OutboundStream?> OpenAsync(IPEndPoint endpoint, IPEndPoint? client, CancellationToken cancellation)
    {
        var address = AddressKey.Of(endpoint.Address);
        if (_mode == UpstreamHboneMode.Never || (_mode == UpstreamHboneMode.Auto && (_pool is null || _memory.IsPlain(address))))
        {
            return null;
        }

        if (_pool is null)
        {
            throw new TunnelException("hbone_no_identity");
        }

        // Whoever is marked for HBONE is a workload that WDS knows; one that it does not (yet) know could be anybody.
        if (!SpiffeId.TryParse(_workloads.Find(endpoint.Address)?.Principal, out var expected))
        {
            throw new TunnelException("hbone_unknown_workload");
        }

        try
        {
            var stream = await _pool.OpenAsync(endpoint, expected, HeadersFor(client), cancellation).ConfigureAwait(false);
            _memory.SpokeHbone(address);
            return stream;
        }
        catch (TunnelException e) when (e.IsRefused && _mode == UpstreamHboneMode.Auto && !_memory.IsTunnelled(address))
        {
            _memory.Refused(address);
            return null;
        }
    }

    public ValueTask DisposeAsync() => _pool?.DisposeAsync() ?? ValueTask.CompletedTask;

    private KeyValuePair<string, string>[] HeadersFor(IPEndPoint? client) =>
        client is null ? _headers : [.. _headers, new("forwarded", $"for=\"{client}\"")];
}
