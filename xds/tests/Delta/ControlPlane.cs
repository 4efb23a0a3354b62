using System.Net;
using Envoy.Config.Core.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.Xds.Delta.Client;
using Waypoint.Xds.Delta.Server;
using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Tests.Delta;

/// <summary>A store served on a loopback port, that can be stopped and started again on the same one. Each node sees the scope of its own id.</summary>
internal sealed class ControlPlane : IResourceViews, IAsyncDisposable
{
    private GrpcServer? _server;

    public ResourceStore Store { get; set; } = new();

    public DeltaAdsServer Ads { get; private set; } = null!;

    public IPEndPoint EndPoint { get; private set; } = new(IPAddress.Loopback, 0);

    public static async Task<ControlPlane> StartAsync()
    {
        var controlPlane = new ControlPlane();
        await controlPlane.RestartAsync();
        return controlPlane;
    }

    public async Task RestartAsync()
    {
        Ads = new DeltaAdsServer(Store, this, NullLogger<DeltaAdsServer>.Instance);
        var services = new GrpcServices(NullLogger.Instance);
        Ads.AddTo(services);
        _server = await GrpcServer.StartAsync(EndPoint, services, NullLoggerFactory.Instance);
        EndPoint = _server.EndPoint;
    }

    public async Task StopAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    public void Publish(string scope, params (string Name, string Value)[] resources)
    {
        var batch = new ResourceBatch();
        foreach (var (name, value) in resources)
        {
            batch.Set(scope, ServedResource.Create(name, new StringValue { Value = value }));
        }

        Store.Publish(batch);
    }

    public void Publish(string scope, params ServedResource[] resources)
    {
        var batch = new ResourceBatch();
        foreach (var resource in resources)
        {
            batch.Set(scope, resource);
        }

        Store.Publish(batch);
    }

    public void Remove(string scope, params string[] names)
    {
        var batch = new ResourceBatch();
        foreach (var name in names)
        {
            batch.Remove(scope, Recorder.Strings, name);
        }

        Store.Publish(batch);
    }

    public DeltaAdsClient Client(string node) => new(
        new DeltaAdsClientOptions { Address = new Uri($"http://{EndPoint}"), Node = new Node { Id = node } },
        NullLogger<DeltaAdsClient>.Instance);

    public IResourceView Open(Node node, IPEndPoint peer)
        => node.Id == "stranger" ? throw new GrpcException(GrpcStatusCode.PermissionDenied, "strangers see nothing") : new View(Store, node.Id);

    public async ValueTask DisposeAsync() => await StopAsync();

    private sealed class View(ResourceStore store, string scope) : IResourceView
    {
        public ResourceCollection Find(string typeUrl) => store.Collection(scope, typeUrl);
    }
}
