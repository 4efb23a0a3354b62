using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Xds.Delta.Client;
using Waypoint.Xds.Delta.Server;
using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Tests.Delta;

/// <summary>Our client against our server, over HTTP/2 on loopback.</summary>
public sealed class DeltaAdsTests : IAsyncLifetime
{
    private readonly CancellationTokenSource _ending = new();
    private readonly List<Task> _running = [];
    private ControlPlane _controlPlane = null!;

    public async Task InitializeAsync() => _controlPlane = await ControlPlane.StartAsync();

    public async Task DisposeAsync()
    {
        await _ending.CancelAsync();
        await Task.WhenAll(_running);
        await _controlPlane.DisposeAsync();
        _ending.Dispose();
    }

    [Fact]
    public async Task A_wildcard_client_gets_everything_and_then_only_what_changes()
    {
        _controlPlane.Publish("a", ("one", "1"), ("two", "2"));
        var (recorder, subscription, _) = Start("a", "*");
        await subscription.Synchronised;
        Assert.Equal(["one", "two"], recorder.Log);

        _controlPlane.Publish("a", ("one", "1"), ("two", "2b"), ("three", "3"));
        await Eventually.HoldsAsync(() => recorder.Held.Count == 3, "three resources");
        Assert.Equal(["one", "three", "two"], recorder.Log.Order().Distinct());
        Assert.Single(recorder.Log, "one");

        _controlPlane.Remove("a", "one", "never-there");
        await Eventually.HoldsAsync(() => !recorder.Held.ContainsKey("one"), "the removal");
        Assert.DoesNotContain("-never-there", recorder.Log);
    }

    [Fact]
    public async Task A_client_with_nothing_to_see_is_told_so()
    {
        var (recorder, subscription, _) = Start("a", "*");
        await subscription.Synchronised;
        Assert.Empty(recorder.Log);
    }

    [Fact]
    public async Task Clients_see_only_their_own_scope()
    {
        var (a, _, _) = Start("a", "*");
        var (b, _, _) = Start("b", "*");
        _controlPlane.Publish("a", ("mine", "a"));
        _controlPlane.Publish("b", ("mine", "b"));
        await Eventually.HoldsAsync(() => a.Held.Count == 1 && b.Held.Count == 1, "one resource each");
        Assert.Equal("a", a.Held["mine"]);
        Assert.Equal("b", b.Held["mine"]);
    }

    [Fact]
    public async Task Names_may_be_added_and_removed_while_the_stream_is_open()
    {
        _controlPlane.Publish("a", ("one", "1"), ("two", "2"), ("three", "3"));
        var (recorder, subscription, _) = Start("a");
        subscription.Add("one", "missing");
        await Eventually.HoldsAsync(() => recorder.Log.Contains("-missing"), "an answer for the missing name");
        Assert.Equal(["one"], recorder.Held.Keys);

        subscription.Add("two");
        await Eventually.HoldsAsync(() => recorder.Held.Count == 2, "the second name");

        subscription.Remove("one");
        await Eventually.HoldsAsync(() => _controlPlane.Ads.Clients.Single().Types.Single().Names == 2, "the server to know");
        _controlPlane.Publish("a", ("one", "1b"), ("two", "2b"), ("missing", "found"));
        await Eventually.HoldsAsync(() => recorder.Held["two"] == "2b" && recorder.Held.ContainsKey("missing"), "the changes");
        Assert.Equal("1", recorder.Held["one"]);
        Assert.DoesNotContain("three", recorder.Log);
    }

    [Fact]
    public async Task A_name_that_goes_and_comes_back_is_sent_again()
    {
        _controlPlane.Publish("a", ("one", "1"), ("two", "2"));
        var (recorder, subscription, _) = Start("a");
        subscription.Add("one", "two");
        await Eventually.HoldsAsync(() => recorder.Held.Count == 2, "both");

        subscription.Remove("one");
        subscription.Add("one");
        await Eventually.HoldsAsync(() => recorder.Log.Count(name => name == "one") == 2, "the name a second time");
        Assert.Single(recorder.Log, "two");
    }

    [Fact]
    public async Task A_resource_is_found_by_its_alias_and_removed_by_its_name()
    {
        _controlPlane.Publish("a", ServedResource.Create("uid", new StringValue { Value = "1" }, "network/10.0.0.1"));
        var (recorder, subscription, _) = Start("a");
        subscription.Add("network/10.0.0.1");
        await Eventually.HoldsAsync(() => recorder.Held.ContainsKey("uid"), "the resource");

        _controlPlane.Remove("a", "uid");
        await Eventually.HoldsAsync(() => recorder.Held.IsEmpty, "the removal");
    }

    [Fact]
    public async Task A_bad_resource_is_rejected_by_name_and_the_good_ones_are_used()
    {
        _controlPlane.Publish("a", ("good", "1"), ("poor", "bad"), ("fine", "2"));
        var (recorder, _, client) = Start("a", "*");
        await Eventually.HoldsAsync(() => Seen().Rejected == 1, "the rejection");
        Assert.Equal("poor: the value is bad", Seen().LastRejection);
        Assert.Equal(["fine", "good"], recorder.Held.Keys.Order());
        Assert.Equal("poor: the value is bad", client.Status.Types.Single().LastRejection);
        Assert.Equal(2, client.Status.Types.Single().Resources);

        _controlPlane.Publish("a", ("poor", "fine"));
        await Eventually.HoldsAsync(() => Seen().Accepted == 1, "the acceptance");
        Assert.Equal("fine", recorder.Held["poor"]);

        ConnectedType Seen() => _controlPlane.Ads.Clients.SingleOrDefault()?.Types.SingleOrDefault()
            ?? new ConnectedType("", false, 0, false, 0, 0, null, null);
    }

    [Fact]
    public async Task A_resource_that_cannot_be_parsed_is_rejected_before_it_reaches_the_handler()
    {
        var recorder = new Recorder();
        var result = await ((IResourceHandler)recorder).ApplyAsync(
            new ResourceUpdate(
                [new("cut", "1", ByteString.CopyFrom(0x0a, 0x05, 0x41), []), new("whole", "1", new StringValue { Value = "1" }.ToByteString(), [])], []),
            CancellationToken.None);
        Assert.Equal("cut", Assert.Single(result.Rejections).Name);
        Assert.Equal(["whole"], recorder.Log);
    }

    [Fact]
    public async Task A_handler_that_fails_rejects_the_update_and_the_stream_goes_on()
    {
        var (recorder, subscription, client) = Start("a", "*");
        await subscription.Synchronised;
        recorder.BeforeApply = () => throw new InvalidOperationException("no room");
        _controlPlane.Publish("a", ("one", "1"));
        await Eventually.HoldsAsync(() => client.Status.Types.Single().Rejected == 1, "the rejection");
        Assert.Equal("one: no room", client.Status.Types.Single().LastRejection);

        recorder.BeforeApply = () => { };
        _controlPlane.Publish("a", ("one", "2"));
        await Eventually.HoldsAsync(() => recorder.Held.ContainsKey("one"), "the next update");
        Assert.Equal(1, client.Status.Streams);
    }

    [Fact]
    public async Task After_a_restart_of_the_control_plane_only_the_difference_is_sent()
    {
        _controlPlane.Publish("a", ("same", "1"), ("changes", "1"), ("goes", "1"));
        var (recorder, subscription, client) = Start("a", "*");
        await subscription.Synchronised;
        Assert.Equal(3, recorder.Held.Count);
        recorder.Log.Clear();

        await _controlPlane.StopAsync();
        await Eventually.HoldsAsync(() => !client.Status.Connected, "the loss");
        _controlPlane.Store = new ResourceStore();
        _controlPlane.Publish("a", ("same", "1"), ("changes", "2"), ("comes", "1"));
        await _controlPlane.RestartAsync();

        await Eventually.HoldsAsync(() => recorder.Held.ContainsKey("comes"), "the new resource");
        Assert.Equal(["-goes", "changes", "comes"], recorder.Log.Order(StringComparer.Ordinal));
        Assert.True(client.Status.Connected);
    }

    [Fact]
    public async Task After_a_restart_a_rejected_resource_is_offered_again()
    {
        _controlPlane.Publish("a", ("one", "1"), ("poor", "bad"));
        var (recorder, subscription, client) = Start("a", "*");
        await subscription.Synchronised;
        recorder.Log.Clear();
        await _controlPlane.StopAsync();
        await _controlPlane.RestartAsync();
        await Eventually.HoldsAsync(() => client.Status.Types.Single().Rejected == 2, "the second rejection");
        Assert.Equal(["poor"], recorder.Log);
    }

    [Fact]
    public async Task After_a_restart_names_are_asked_for_again_and_those_that_went_meanwhile_are_removed()
    {
        _controlPlane.Publish("a", ("one", "1"), ("two", "2"), ("three", "3"));
        var (recorder, subscription, client) = Start("a");
        subscription.Add("one", "two");
        await Eventually.HoldsAsync(() => recorder.Held.Count == 2, "both");
        recorder.Log.Clear();

        await _controlPlane.StopAsync();
        await Eventually.HoldsAsync(() => !client.Status.Connected, "the loss");
        subscription.Add("three");
        _controlPlane.Remove("a", "two");
        await _controlPlane.RestartAsync();
        await Eventually.HoldsAsync(() => recorder.Log.Count == 2, "the difference");
        Assert.Equal(["-two", "three"], recorder.Log.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_changes_while_a_client_is_busy_comes_as_one_update_in_its_newest_state()
    {
        var (recorder, subscription, _) = Start("a", "*");
        await subscription.Synchronised;
        var busy = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var release = new ManualResetEventSlim();
        recorder.BeforeApply = () =>
        {
            busy.TrySetResult();
            release.Wait();
        };
        var before = recorder.Updates;
        _controlPlane.Publish("a", ("one", "0"));
        await busy.Task.WaitAsync(TimeSpan.FromSeconds(20));
        for (var i = 1; i <= 500; i++)
        {
            _controlPlane.Publish("a", ("one", $"{i}"), ("two", $"{i}"));
        }

        release.Set();
        await Eventually.HoldsAsync(() => recorder.Held.GetValueOrDefault("two") == "500", "the newest state");
        Assert.Equal("500", recorder.Held["one"]);
        Assert.Equal(before + 2, recorder.Updates);
    }

    [Fact]
    public async Task A_client_that_is_refused_says_why_and_tries_again()
    {
        var (_, _, client) = Start("stranger", "*");
        await Eventually.HoldsAsync(() => client.Status.Streams > 2, "further attempts");
        Assert.Equal(new GrpcStatus(GrpcStatusCode.PermissionDenied, "strangers see nothing"), client.Status.LastFailure);
        Assert.False(client.Status.Connected);
    }

    [Fact]
    public async Task A_type_has_one_handler()
    {
        using var client = _controlPlane.Client("a");
        client.SubscribeAll(new Recorder());
        Assert.Throws<ArgumentException>(() => client.SubscribeAll(new Recorder()));
        await Task.CompletedTask;
    }

    [Fact]
    public async Task Ten_thousand_resources_are_synchronised_and_a_change_among_them_is_one_resource()
    {
        const int Many = 10_000;
        _controlPlane.Publish("a", [.. Enumerable.Range(0, Many).Select(i => ($"resource-{i}", new string('x', 400)))]);
        var (recorder, subscription, client) = Start("a", "*");
        await subscription.Synchronised;
        Assert.Equal(Many, recorder.Held.Count);
        Assert.Equal(Many, client.Status.Types.Single().Resources);
        recorder.Log.Clear();

        _controlPlane.Publish("a", ("resource-5000", "changed"));
        await Eventually.HoldsAsync(() => recorder.Held["resource-5000"] == "changed", "the change");
        Assert.Single(recorder.Log);

        _controlPlane.Remove("a", [.. Enumerable.Range(0, Many).Select(i => $"resource-{i}")]);
        await Eventually.HoldsAsync(() => recorder.Held.IsEmpty, "the removals");
    }

    private (Recorder Recorder, ResourceSubscription Subscription, DeltaAdsClient Client) Start(string node, params string[] names)
    {
        var recorder = new Recorder();
        var client = _controlPlane.Client(node);
        var subscription = client.Subscribe(recorder, names);
        _running.Add(client.RunAsync(_ending.Token));
        return (recorder, subscription, client);
    }
}
