using System.Net;
using Istio.Workload;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.NodeAgent.Tests.Workloads;
using Waypoint.TestBed;
using Waypoint.Xds.Delta;
using Waypoint.Xds.Delta.Server;
using Waypoint.Xds.Grpc;
using Node = Envoy.Config.Core.V3.Node;

namespace Waypoint.NodeAgent.Tests.Hosting;

/// <summary>A node with two pods, a control plane that says what a test tells it to, and the agent as a process that can be killed.</summary>
public sealed class AgentBed : IAsyncLifetime
{
    private const string Mesh = "mesh";
    private static readonly IPEndPoint ControlPlaneAddress = new(IPAddress.Loopback, 15010);

    private readonly ResourceStore _resources = new();
    private Bed? _bed;
    private GrpcServer? _controlPlane;

    public Bed Bed => _bed ?? throw new InvalidOperationException("The bed is not up.");

    public Pod Client => Bed.Pods["client"];

    public Pod Server => Bed.Pods["server"];

    public async Task InitializeAsync()
    {
        _bed = await Bed.StartAsync();
        await _bed.AddPodAsync("client");
        await _bed.AddPodAsync("server");
        await StartControlPlaneAsync();
    }

    public async Task DisposeAsync()
    {
        await StopControlPlaneAsync();
        await Bed.DisposeAsync();
    }

    /// <summary>Listens in the node's network namespace: a socket belongs to the one in which it was made.</summary>
    public async Task StartControlPlaneAsync()
    {
        var services = new GrpcServices(NullLogger.Instance);
        new DeltaAdsServer(_resources, new OneMesh(_resources), NullLogger<DeltaAdsServer>.Instance).AddTo(services);
        _controlPlane = await Bed.Node.Run(() => GrpcServer.StartAsync(ControlPlaneAddress, services, NullLoggerFactory.Instance));
    }

    public async Task StopControlPlaneAsync()
    {
        if (_controlPlane is not null)
        {
            await _controlPlane.DisposeAsync();
            _controlPlane = null;
        }
    }

    /// <summary>Makes the mesh consist of these.</summary>
    internal void Say(params KeyValuePair<string, Address>[] resources)
    {
        var batch = new ResourceBatch();
        batch.Replace(Mesh, ResourceTypes.Address, [.. resources.Select(resource => ServedResource.Create(resource.Key, resource.Value))]);
        _resources.Publish(batch);
    }

    /// <summary>A service at 10.96.0.1:80 whose workloads are the ports of the server pod.</summary>
    internal void SayEcho(string? waypoint, params int[] ports) => Say(
    [
        Wds.Service("echo", Vip.Address.ToString(), (uint)Vip.Port, 0, waypoint),
        Wds.Workload("client", Client.Address4.ToString()),
        .. ports.Select((port, index) => Wds.Workload($"server-{index}", Server.Address4.ToString(), "echo").With(address =>
            address.Workload.Services[MeshBuilder.KeyOf("echo")].Ports.Add(new Port { ServicePort = (uint)Vip.Port, TargetPort = (uint)port }))),
    ]);

    /// <summary>An address that nothing owns: only the kernel engine can lead a connection to it anywhere.</summary>
    internal static IPEndPoint Vip { get; } = new(IPAddress.Parse("10.96.0.1"), 80);

    private sealed class OneMesh(ResourceStore resources) : IResourceViews, IResourceView
    {
        public IResourceView Open(Node node, IPEndPoint peer) => this;

        public ResourceCollection? Find(string typeUrl) => typeUrl == ResourceTypes.Address ? resources.Collection(Mesh, typeUrl) : null;
    }
}

[CollectionDefinition(Name)]
public sealed class AgentTestGroup : ICollectionFixture<AgentBed>
{
    public const string Name = "agent";
}
