using System.Collections.Concurrent;
using Envoy.Service.Discovery.V3;
using Microsoft.Extensions.Logging;
using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Delta.Server;

/// <summary>Serves a store's resources: to each client what its view shows it, and then what changes.</summary>
public sealed class DeltaAdsServer
{
    private readonly ConcurrentDictionary<ServerStream, bool> _streams = [];
    private readonly ResourceStore _store;
    private readonly IResourceViews _views;
    private readonly ILogger _logger;

    public DeltaAdsServer(ResourceStore store, IResourceViews views, ILogger<DeltaAdsServer> logger)
    {
        _store = store;
        _views = views;
        _logger = logger;
    }

    /// <summary>The clients at this moment.</summary>
    public IReadOnlyList<ConnectedClient> Clients => [.. _streams.Keys.Select(stream => stream.Status()).OfType<ConnectedClient>()];

    public void AddTo(GrpcServices services) => services.Add(DiscoveryService.Delta, RunAsync);

    private async Task RunAsync(GrpcServerCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> call)
    {
        var stream = new ServerStream(_store, _views, call, _logger);
        _streams.TryAdd(stream, true);
        XdsMetrics.Clients.Add(1);
        try
        {
            await stream.RunAsync();
        }
        finally
        {
            XdsMetrics.Clients.Add(-1);
            _streams.TryRemove(stream, out _);
        }
    }
}
