using System.Net;
using Envoy.Service.Discovery.V3;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.GatewayApi.Serving;
using Waypoint.GatewayApi.Sources.Folder;
using Waypoint.GatewayApi.Translation;
using Waypoint.Xds.Delta;
using Waypoint.Xds.Grpc;
using Node = Envoy.Config.Core.V3.Node;

namespace Waypoint.GatewayApi.Tests.Serving;

/// <summary>The whole way: a file is saved, a stream hears of it.</summary>
public sealed class ControlPlaneTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TestFolder _folder = new();
    private readonly CancellationTokenSource _stop = new();
    private ControlPlane _controlPlane = null!;
    private GrpcServer _server = null!;
    private Task _loop = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _folder.Write("shop.yaml", TestMesh.Shop);
        _folder.Write("route.yaml", TestMesh.HttpRoute("- name: first\n  backendRefs: [{name: echo-v1, port: 80}]"));
        _folder.Write("waypoint.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: wp, namespace: shop, labels: {gateway.networking.k8s.io/gateway-name: waypoint}}\nstatus: {podIP: 10.244.0.2}");
        _controlPlane = new ControlPlane(new FolderSource(_folder.Root, NullLogger.Instance), new MeshSettings(), NullLoggerFactory.Instance);
        GrpcServices services = new(NullLogger.Instance);
        _controlPlane.Server.AddTo(services);
        _loop = _controlPlane.RunAsync(_stop.Token);
        await _controlPlane.Ready.WaitAsync(Patience);
        _server = await GrpcServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), services, NullLoggerFactory.Instance);
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop.WaitAsync(Patience);
        await _server.DisposeAsync();
        _controlPlane.Dispose();
        _stop.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_waypoint_is_served_its_listener_and_what_a_saved_edit_makes_of_it()
    {
        await using TestStream stream = new(_server.EndPoint, WaypointNode("gateway.networking.k8s.io/gateway-name", "waypoint"));
        DeltaDiscoveryResponse first = await stream.SubscribeAsync(ResourceTypes.Listener);
        Assert.Contains("first", Text(first), StringComparison.Ordinal);

        _folder.RenameOver("route.yaml", TestMesh.HttpRoute("- name: second\n  backendRefs: [{name: echo-v2, port: 80}]"));
        DeltaDiscoveryResponse second = await stream.NextAsync();

        Assert.Equal("main_internal", second.Resources.Single().Name);
        Assert.Contains("second", Text(second), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_edit_is_told_in_the_status_and_never_sent()
    {
        await using TestStream stream = new(_server.EndPoint, WaypointNode("gateway.networking.k8s.io/gateway-name", "waypoint"));
        await stream.SubscribeAsync(ResourceTypes.Listener);

        _folder.Write("route.yaml", TestMesh.HttpRoute("- matches: [{path: {value: nope}}]"));
        using CancellationTokenSource deadline = new(Patience);
        while (_controlPlane.ErrorCount == 0)
        {
            deadline.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        Assert.Equal("spec.rules[0].matches[0].path.value", _controlPlane.Diagnostics.Single().Field);

        _folder.Write("route.yaml", TestMesh.HttpRoute("- name: mended\n  backendRefs: [{name: echo-v2, port: 80}]"));
        Assert.Contains("mended", Text(await stream.NextAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_waypoint_without_labels_is_known_by_its_address()
    {
        Node node = WaypointNode("x", "y");
        node.Metadata.Fields["INSTANCE_IPS"] = Value.ForString("192.0.2.1,10.244.0.2");
        await using TestStream stream = new(_server.EndPoint, node);

        Assert.Equal("main_internal", (await stream.SubscribeAsync(ResourceTypes.Listener)).Resources.Single().Name);
    }

    [Fact]
    public async Task A_node_agent_is_served_workloads_and_services()
    {
        await using TestStream stream = new(_server.EndPoint, new Node { Id = "ztunnel~10.0.0.1~agent.system~system.svc.cluster.local" });
        DeltaDiscoveryResponse response = await stream.SubscribeAsync(ResourceTypes.Address);

        Assert.Contains("shop/echo.shop.svc.cluster.local", response.Resources.Select(resource => resource.Name));
        Assert.Contains("Kubernetes//Pod/shop/echo-v1", response.Resources.Select(resource => resource.Name));

        _folder.Write("more.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: late, namespace: shop, labels: {app: echo}}\nstatus: {podIP: 10.244.0.99}");
        Assert.Equal("Kubernetes//Pod/shop/late", (await stream.NextAsync()).Resources.Single().Name);

        _folder.Delete("more.yaml");
        Assert.Equal("Kubernetes//Pod/shop/late", (await stream.NextAsync()).RemovedResources.Single());
    }

    [Theory]
    [InlineData("sidecar~10.0.0.1~a.b~b.svc.cluster.local", GrpcStatusCode.InvalidArgument)]
    [InlineData("waypoint", GrpcStatusCode.InvalidArgument)]
    [InlineData("waypoint~192.0.2.9~a.b~b.svc.cluster.local", GrpcStatusCode.FailedPrecondition)]
    public async Task A_client_that_is_nobody_is_refused_with_the_reason(string id, GrpcStatusCode code)
    {
        await using TestStream stream = new(_server.EndPoint, new Node { Id = id });

        Assert.Equal(code, (await Assert.ThrowsAsync<GrpcException>(() => stream.SubscribeAsync(ResourceTypes.Listener))).Status.Code);
    }

    private static Node WaypointNode(string label, string value) => new()
    {
        Id = "waypoint~10.244.0.2~wp.shop~shop.svc.cluster.local",
        Metadata = new Struct
        {
            Fields =
            {
                ["NAMESPACE"] = Value.ForString("shop"),
                ["LABELS"] = Value.ForStruct(new Struct { Fields = { [label] = Value.ForString(value) } }),
            },
        },
    };

    private static string Text(DeltaDiscoveryResponse response) => ResourceJson.Format(response.Resources.Single().Resource_);
}
