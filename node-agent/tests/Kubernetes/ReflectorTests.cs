using System.Collections.Immutable;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.NodeAgent.Kubernetes;
using Waypoint.NodeAgent.Kubernetes.Model;
using Waypoint.TestBed;
using Pod = Waypoint.NodeAgent.Kubernetes.Model.Pod;

namespace Waypoint.NodeAgent.Tests.Kubernetes;

public sealed class ReflectorTests : IAsyncLifetime
{
    private readonly Sink _sink = new();
    private readonly CancellationTokenSource _stop = new();
    private ApiServer _server = null!;
    private KubernetesClient _client = null!;
    private Task _running = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _server = await ApiServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0));
        _client = new KubernetesClient(new KubernetesConfiguration { Server = _server.Address });
        _server.Put("pods/shop/a", Manifest.Pod("shop", "a", "uid-a"));
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _client.Dispose();
        await _server.DisposeAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task A_list_comes_first_and_then_each_change_when_it_happens()
    {
        Start();
        await SeesAsync("= a");

        _server.Put("pods/shop/b", Manifest.Pod("shop", "b", "uid-b"));
        await SeesAsync("= a", "+ b");
        _server.Put("pods/shop/a", Manifest.Pod("shop", "a", "uid-a", "Failed"));
        _server.Delete("pods/shop/b");
        await SeesAsync("= a", "+ b", "+ a", "- b");

        Assert.Equal("GET /api/v1/pods?resourceVersion=0&fieldSelector=spec.nodeName%3Dnode-1", _server.Requests[0]);
        Assert.StartsWith("GET /api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion=101&timeoutSeconds=", _server.Requests[1], StringComparison.Ordinal);
        Assert.EndsWith("&fieldSelector=spec.nodeName%3Dnode-1", _server.Requests[1], StringComparison.Ordinal);
        Assert.Equal(2, _server.Requests.Count);
    }

    [Fact]
    public async Task A_watch_that_breaks_off_goes_on_where_it_was_and_misses_nothing()
    {
        Start();
        await SeesAsync("= a");
        _server.Put("pods/shop/b", Manifest.Pod("shop", "b", "uid-b"));
        await SeesAsync("= a", "+ b");

        _server.Break();
        _server.Put("pods/shop/c", Manifest.Pod("shop", "c", "uid-c"));
        await SeesAsync("= a", "+ b", "+ c");
        Assert.Contains("resourceVersion=102&", _server.Requests[^1], StringComparison.Ordinal);
        Assert.Single(_server.Requests, request => !request.Contains("watch=true", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_bookmark_is_where_the_next_watch_begins()
    {
        Start();
        await SeesAsync("= a");
        string version = _server.Bookmark("pods");
        _server.Put("pods/shop/b", Manifest.Pod("shop", "b", "uid-b"));
        await SeesAsync("= a", "+ b");
        version = _server.Bookmark("pods");
        await Eventually.TrueAsync(
            () =>
            {
                _server.Break();
                return _server.Requests[^1].Contains($"resourceVersion={version}&", StringComparison.Ordinal);
            },
            TimeSpan.FromSeconds(5), "a watch from the bookmark");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task When_the_version_has_expired_everything_is_listed_again(bool byStatus)
    {
        _server.TellsExpiryByStatus = byStatus;
        Start();
        await SeesAsync("= a");

        _server.Put("pods/shop/b", Manifest.Pod("shop", "b", "uid-b"));
        await SeesAsync("= a", "+ b");
        _server.Forget();
        _server.Break();
        await SeesAsync("= a", "+ b", "= a b");

        // Not from a memory that may be older than what was seen.
        Assert.Contains("GET /api/v1/pods?resourceVersion=&fieldSelector=spec.nodeName%3Dnode-1", _server.Requests);
    }

    [Fact]
    public async Task An_event_that_cannot_be_read_is_made_up_for_by_a_list()
    {
        Start();
        await SeesAsync("= a");
        _server.SendRaw("pods", """{"type":"MODIFIED","object":{"metadata":"?"}}""");
        await SeesAsync("= a", "= a");
    }

    [Fact]
    public async Task A_refusal_is_tried_again_and_what_was_known_stays()
    {
        _server.Refuses = HttpStatusCode.Forbidden;
        Start();
        await Eventually.TrueAsync(() => _server.Requests.Count >= 3, TimeSpan.FromSeconds(5), "three attempts");
        Assert.Empty(_sink.Seen);

        _server.Refuses = null;
        await SeesAsync("= a");
        _server.Refuses = HttpStatusCode.InternalServerError;
        _server.Break();
        int before = _server.Requests.Count;
        await Eventually.TrueAsync(() => _server.Requests.Count > before, TimeSpan.FromSeconds(5), "another attempt");
        Assert.Equal(["= a"], _sink.Seen);
    }

    private void Start() => _running = new Reflector<Pod>(
        _client, ApiResources.Pods, "spec.nodeName=node-1", _sink,
        new ReflectorOptions { ShortestDelay = TimeSpan.FromMilliseconds(5), LongestDelay = TimeSpan.FromMilliseconds(20) },
        NullLogger.Instance).RunAsync(_stop.Token);

    private async Task SeesAsync(params string[] expected)
    {
        await Eventually.TrueAsync(() => _sink.Seen.Count >= expected.Length, TimeSpan.FromSeconds(5), string.Join(", ", expected));
        Assert.Equal(expected, _sink.Seen);
    }

    private sealed class Sink : IResourceSink<Pod>
    {
        public ImmutableList<string> Seen { get; private set; } = [];

        public void Replace(IReadOnlyList<Pod> items) => Seen = Seen.Add($"= {string.Join(' ', items.Select(item => item.Metadata.Name))}");

        public void Put(Pod item) => Seen = Seen.Add($"+ {item.Metadata.Name}");

        public void Remove(Pod item) => Seen = Seen.Add($"- {item.Metadata.Name}");
    }
}
