using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Service.Discovery.V3;
using Waypoint.Xds.Delta;
using Waypoint.Xds.Delta.Server;
using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Tests.Delta;

/// <summary>The server's responses, one by one, to a client that answers when the test says so.</summary>
public sealed class PushOrderTests : IAsyncLifetime
{
    private readonly TimeSpan _patience = TimeSpan.FromSeconds(20);
    private ControlPlane _controlPlane = null!;
    private GrpcChannel _channel = null!;
    private GrpcCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> _call = null!;

    public async Task InitializeAsync()
    {
        _controlPlane = await ControlPlane.StartAsync();
        _channel = new GrpcChannel(new Uri($"http://{_controlPlane.EndPoint}"));
        _call = _channel.Start(DiscoveryService.Delta);
    }

    public async Task DisposeAsync()
    {
        await _call.DisposeAsync();
        _channel.Dispose();
        await _controlPlane.DisposeAsync();
    }

    [Fact]
    public async Task Clusters_come_before_the_listeners_that_need_them()
    {
        await SubscribeAsync(ResourceTypes.Listener);
        await AnswerAsync(await NextAsync());
        await SubscribeAsync(ResourceTypes.Cluster);
        await AnswerAsync(await NextAsync());

        _controlPlane.Publish("a", Served(new Listener { Name = "l" }), Served(new Cluster { Name = "c" }));
        Assert.Equal("c", Assert.Single((await NextAsync()).Resources).Name);
        Assert.Equal("l", Assert.Single((await NextAsync()).Resources).Name);
    }

    [Fact]
    public async Task A_cluster_goes_only_when_the_listener_that_used_it_has_been_acknowledged()
    {
        _controlPlane.Publish("a", Served(new Listener { Name = "l" }), Served(new Cluster { Name = "old" }));
        await SubscribeAsync(ResourceTypes.Cluster);
        await AnswerAsync(await NextAsync());
        await SubscribeAsync(ResourceTypes.Listener);
        await AnswerAsync(await NextAsync());

        var batch = new ResourceBatch();
        batch.Remove("a", ResourceTypes.Cluster, "old");
        batch.Set("a", Served(new Cluster { Name = "new" }));
        batch.Set("a", Served(new Listener { Name = "l", StatPrefix = "changed" }));
        _controlPlane.Store.Publish(batch);

        var cluster = await NextAsync();
        Assert.Equal("new", Assert.Single(cluster.Resources).Name);
        Assert.Empty(cluster.RemovedResources);
        await AnswerAsync(cluster);
        var listener = await NextAsync();
        Assert.Equal(ResourceTypes.Listener, listener.TypeUrl);

        var next = NextAsync();
        Assert.Equal(2, _controlPlane.Ads.Clients.Single().Types.Count);
        Assert.False(next.IsCompleted);
        await AnswerAsync(listener);
        Assert.Equal(["old"], (await next).RemovedResources);
    }

    [Fact]
    public async Task A_changed_cluster_is_followed_by_its_endpoints()
    {
        _controlPlane.Publish("a", Served(new Cluster { Name = "c" }), Served(new ClusterLoadAssignment { ClusterName = "c" }));
        await SubscribeAsync(ResourceTypes.Cluster);
        await AnswerAsync(await NextAsync());
        await SubscribeAsync(ResourceTypes.Endpoints, "c");
        await AnswerAsync(await NextAsync());

        _controlPlane.Publish("a", Served(new Cluster { Name = "c", AltStatName = "changed" }));
        Assert.Equal(ResourceTypes.Cluster, (await NextAsync()).TypeUrl);
        var endpoints = await NextAsync();
        Assert.Equal(ResourceTypes.Endpoints, endpoints.TypeUrl);
        Assert.Equal("c", Assert.Single(endpoints.Resources).Name);
    }

    [Fact]
    public async Task A_type_that_awaits_an_answer_does_not_hold_up_an_independent_one()
    {
        await SubscribeAsync(ResourceTypes.Cluster);
        await NextAsync();
        await SubscribeAsync(ResourceTypes.Address);
        await AnswerAsync(await NextAsync());

        _controlPlane.Publish("a", Served(new Cluster { Name = "c" }), ServedResource.Create("w", new Istio.Workload.Address()));
        Assert.Equal(ResourceTypes.Address, (await NextAsync()).TypeUrl);
    }

    [Fact]
    public async Task A_subscription_to_everything_that_is_taken_back_at_once_sends_nothing()
    {
        _controlPlane.Publish("a", ServedResource.Create("w", new Istio.Workload.Address()), ServedResource.Create("v", new Istio.Workload.Address()));
        await _call.WriteAsync(new DeltaDiscoveryRequest
        {
            Node = new Node { Id = "a" }, TypeUrl = ResourceTypes.Address, ResourceNamesSubscribe = { "*" }, ResourceNamesUnsubscribe = { "*" },
        });
        var first = await NextAsync();
        Assert.Empty(first.Resources);
        await AnswerAsync(first);

        await _call.WriteAsync(new DeltaDiscoveryRequest { TypeUrl = ResourceTypes.Address, ResourceNamesSubscribe = { "w" } });
        Assert.Equal("w", Assert.Single((await NextAsync()).Resources).Name);
    }

    [Fact]
    public async Task A_name_let_go_under_a_wildcard_is_sent_again()
    {
        _controlPlane.Publish("a", ServedResource.Create("w", new Istio.Workload.Address()));
        await SubscribeAsync(ResourceTypes.Address, "*", "w");
        await AnswerAsync(await NextAsync());
        await _call.WriteAsync(new DeltaDiscoveryRequest { TypeUrl = ResourceTypes.Address, ResourceNamesUnsubscribe = { "w" } });
        Assert.Equal("w", Assert.Single((await NextAsync()).Resources).Name);
    }

    [Fact]
    public async Task An_answer_with_an_old_nonce_answers_nothing()
    {
        await SubscribeAsync(ResourceTypes.Address);
        await NextAsync();
        await _call.WriteAsync(new DeltaDiscoveryRequest { TypeUrl = ResourceTypes.Address, ResponseNonce = "of another stream" });
        await _call.WriteAsync(new DeltaDiscoveryRequest { TypeUrl = ResourceTypes.Workload });
        await NextAsync();
        Assert.True(_controlPlane.Ads.Clients.Single().Types.Single(type => type.TypeUrl == ResourceTypes.Address).Awaited);
    }

    [Fact]
    public async Task A_stream_without_a_node_is_refused()
    {
        await _call.WriteAsync(new DeltaDiscoveryRequest { TypeUrl = ResourceTypes.Cluster });
        var refused = await Assert.ThrowsAsync<GrpcException>(NextAsync);
        Assert.Equal(GrpcStatusCode.InvalidArgument, refused.Status.Code);
        Assert.Contains("node", refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_removed_name_is_forgotten_when_every_client_has_passed_it()
    {
        await SubscribeAsync(Recorder.Strings);
        await AnswerAsync(await NextAsync());
        var collection = _controlPlane.Store.Collection("a", Recorder.Strings);
        for (var i = 0; i < 300; i++)
        {
            _controlPlane.Publish("a", ($"pod-{i}", "1"));
            await AnswerAsync(await NextAsync());
            _controlPlane.Remove("a", $"pod-{i}");
            await AnswerAsync(await NextAsync());
        }

        Assert.InRange(collection.Tombstones, 0, 200);
    }

    private static ServedResource Served(Google.Protobuf.IMessage message) => ServedResource.Create(
        message switch
        {
            Cluster cluster => cluster.Name,
            Listener listener => listener.Name,
            ClusterLoadAssignment endpoints => endpoints.ClusterName,
            _ => throw new ArgumentException($"{message.Descriptor.FullName} has no name here", nameof(message)),
        },
        message);

    private Task SubscribeAsync(string typeUrl, params string[] names)
    {
        var request = new DeltaDiscoveryRequest { Node = new Node { Id = "a" }, TypeUrl = typeUrl };
        request.ResourceNamesSubscribe.Add(names);
        return _call.WriteAsync(request);
    }

    private async Task<DeltaDiscoveryResponse> NextAsync()
        => await _call.ReadAsync().AsTask().WaitAsync(_patience) ?? throw new InvalidOperationException("the stream has ended");

    private Task AnswerAsync(DeltaDiscoveryResponse response)
        => _call.WriteAsync(new DeltaDiscoveryRequest { TypeUrl = response.TypeUrl, ResponseNonce = response.Nonce });
}
