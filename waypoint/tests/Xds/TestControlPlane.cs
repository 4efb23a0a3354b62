using System.Net;
using Envoy.Config.Core.V3;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.Xds.Delta.Server;
using Waypoint.Xds.Grpc;

namespace Waypoint.Proxy.Tests.Xds;

/// <summary>A control plane on loopback that serves what a test publishes, the same to every node.</summary>
internal sealed class TestControlPlane : IResourceViews, IAsyncDisposable
{
    private const string Scope = "all";

    private readonly ResourceStore _store = new();
    private GrpcServer _server = null!;

    public Uri Address => new($"http://{_server.EndPoint}");

    public static async Task<TestControlPlane> StartAsync()
    {
        var plane = new TestControlPlane();
        var services = new GrpcServices(NullLogger.Instance);
        new DeltaAdsServer(plane._store, plane, NullLogger<DeltaAdsServer>.Instance).AddTo(services);
        plane._server = await GrpcServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), services, NullLoggerFactory.Instance);
        return plane;
    }

    public void Publish(params (string Name, IMessage Message)[] resources)
    {
        var batch = new ResourceBatch();
        foreach (var (name, message) in resources)
        {
            batch.Set(Scope, ServedResource.Create(name, message));
        }

        _store.Publish(batch);
    }

    public IResourceView Open(Node node, IPEndPoint peer) => new View(_store);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private sealed class View(ResourceStore store) : IResourceView
    {
        public ResourceCollection Find(string typeUrl) => store.Collection(Scope, typeUrl);
    }
}
