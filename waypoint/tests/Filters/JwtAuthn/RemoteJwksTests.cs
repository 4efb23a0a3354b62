using Microsoft.AspNetCore.Http;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Filters.JwtAuthn;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Tests.Forwarding;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Filters.JwtAuthn;

public sealed class RemoteJwksTests : IAsyncLifetime, IDisposable
{
    private readonly UpstreamClients _clients = new();
    private readonly ManualTime _time = new();
    private HttpBackend _backend = null!;
    private int _asked;
    private int _status = 200;
    private string _keys = Tokens.Set("""{"kty":"oct","kid":"1","k":"c2VjcmV0"}""");

    public async Task InitializeAsync() => _backend = await HttpBackend.StartAsync(async context =>
    {
        Interlocked.Increment(ref _asked);
        context.Response.StatusCode = context.Request.Path == "/keys" && context.Request.Host.Value == "issuer.example" ? _status : 404;
        await context.Response.WriteAsync(_keys);
    });

    public async Task DisposeAsync() => await _backend.DisposeAsync();

    public void Dispose() => _clients.Dispose();

    [Fact]
    public async Task Keys_are_fetched_once_and_again_when_they_are_old()
    {
        var source = Source();
        var keys = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => source.GetAsync().AsTask()));
        Assert.All(keys, k => Assert.Same(keys[0], k));
        Assert.Equal(JwtStatus.Ok, keys[0]!.Status);
        Assert.Equal(1, _asked);

        _time.Advance(TimeSpan.FromMinutes(9));
        Assert.Same(keys[0], await source.GetAsync());
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.NotSame(keys[0], await source.GetAsync());
        Assert.Equal(2, _asked);
    }

    [Fact]
    public async Task Keys_are_used_on_while_no_new_ones_can_be_had()
    {
        var source = Source();
        var keys = await source.GetAsync();
        foreach (var (status, body) in new[] { (500, _keys), (200, "nonsense"), (200, """{"keys":[]}""") })
        {
            (_status, _keys) = (status, body);
            _time.Advance(TimeSpan.FromMinutes(11));
            Assert.Same(keys, await source.GetAsync());
        }

        // The next try is not made before the delay is over.
        var asked = _asked;
        await source.GetAsync();
        Assert.Equal(asked, _asked);
        _time.Advance(TimeSpan.FromSeconds(2));
        await source.GetAsync();
        Assert.Equal(asked + 1, _asked);
    }

    [Fact]
    public async Task There_are_no_keys_before_the_first_could_be_had()
    {
        _status = 503;
        var source = Source();
        Assert.Null(await source.GetAsync());
        _status = 200;
        Assert.Null(await source.GetAsync());
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.NotNull(await source.GetAsync());
    }

    [Fact]
    public async Task An_answer_without_end_is_not_read_to_it()
    {
        _keys = new string(' ', 2 * 1024 * 1024) + _keys;
        Assert.Null(await Source().GetAsync());
    }

    [Fact]
    public async Task Without_a_cluster_there_are_no_keys()
    {
        var settings = new RemoteJwksSettings(
            new Uri("http://issuer.example/keys"), new ClusterSlot("lost"), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(1));
        Assert.Null(await new RemoteJwks(settings, new ClusterClient(_clients), _time).GetAsync());
    }

    [Fact]
    public async Task A_token_is_verified_anew_when_the_keys_have_changed()
    {
        using var issuer = new Tokens();
        _keys = Tokens.Set(issuer.Secret());
        var provider = new JwtProvider { Keys = Source(), Locations = JwtLocations.Default };
        var token = issuer.Sign("HS256", "{}");
        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        Assert.Equal(JwtStatus.Ok, (await provider.VerifyAsync(token, null, now)).Status);
        Assert.Equal(JwtStatus.Ok, (await provider.VerifyAsync(token, null, now)).Status);
        _keys = Tokens.Set("""{"kty":"oct","k":"c2VjcmV0"}""");
        _time.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(JwtStatus.VerificationFail, (await provider.VerifyAsync(token, null, now)).Status);
    }

    private RemoteJwks Source() => new(
        new RemoteJwksSettings(
            new Uri("http://issuer.example/keys"),
            SlotOf(ClusterOf(UpstreamProtocol.Http1, _backend.Http1)),
            TimeSpan.FromSeconds(5),
            TimeSpan.FromMinutes(10),
            TimeSpan.FromSeconds(1)),
        new ClusterClient(_clients),
        _time);
}
