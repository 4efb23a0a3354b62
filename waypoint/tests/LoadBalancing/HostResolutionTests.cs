using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using Waypoint.Proxy.LoadBalancing.Dns;
using Waypoint.Proxy.Tests.Forwarding;
using Waypoint.Proxy.Tests.Xds;

namespace Waypoint.Proxy.Tests.LoadBalancing;

/// <summary>Names become addresses, and stay what they were when nobody answers.</summary>
public sealed class HostResolutionTests : IDisposable
{
    private static readonly ImmutableDictionary<string, ImmutableArray<IPAddress>> Nothing = ImmutableDictionary<string, ImmutableArray<IPAddress>>.Empty;

    private readonly ManualTime _time = new();
    private readonly TestResolver _names = new();
    private readonly ConcurrentQueue<string> _changes = new();
    private HostResolution? _resolution;

    public void Dispose() => _resolution?.Dispose();

    [Theory]
    [InlineData(DnsFamily.V4Only, "192.0.2.1 192.0.2.2")]
    [InlineData(DnsFamily.V6Only, "2001:db8::1")]
    [InlineData(DnsFamily.V4Preferred, "192.0.2.1 192.0.2.2")]
    [InlineData(DnsFamily.V6Preferred, "2001:db8::1")]
    [InlineData(DnsFamily.All, "192.0.2.1 192.0.2.2 2001:db8::1")]
    internal async Task Addresses_of_the_family_that_is_wanted_are_used(DnsFamily family, string expected)
    {
        _names.Answer("a.example", "192.0.2.1", "192.0.2.2", "2001:db8::1");
        await StartAsync(family, "a.example");
        Assert.Equal([expected], _changes);
    }

    [Theory]
    [InlineData(DnsFamily.V4Preferred, "2001:db8::1")]
    [InlineData(DnsFamily.V6Preferred, "2001:db8::1")]
    [InlineData(DnsFamily.V4Only, "")]
    internal async Task Where_there_are_none_of_the_preferred_family_the_other_one_serves(DnsFamily family, string expected)
    {
        _names.Answer("a.example", "2001:db8::1");
        await StartAsync(family, "a.example");
        Assert.Equal([expected], _changes);
    }

    [Fact]
    public async Task A_logical_name_has_one_address()
    {
        _names.Answer("a.example", "192.0.2.1", "192.0.2.2");
        await StartAsync(DnsFamily.V4Only, ["a.example"], onlyFirst: true);
        Assert.Equal(["192.0.2.1"], _changes);
    }

    [Fact]
    public async Task Nothing_is_said_before_every_name_was_asked_for_and_then_only_of_changes()
    {
        _names.Answer("a.example", "192.0.2.1");
        _names.Answer("b.example", "192.0.2.2");
        await StartAsync(DnsFamily.V4Only, "a.example", "b.example");
        Assert.Equal(["192.0.2.1 192.0.2.2"], _changes);

        _names.Answer("b.example", "192.0.2.3");
        await PassAsync(TimeSpan.FromSeconds(60), questions: 4);
        await Eventually.HoldsAsync(() => _changes.Count == 2);
        Assert.Equal("192.0.2.1 192.0.2.3", _changes.Last());
        await PassAsync(TimeSpan.FromSeconds(60), questions: 6);
        Assert.Equal(2, _changes.Count);
    }

    [Fact]
    public async Task A_name_that_nobody_knows_any_more_keeps_its_addresses_and_is_asked_for_again_later_and_later()
    {
        _names.Answer("a.example", "192.0.2.1");
        await StartAsync(DnsFamily.V4Only, "a.example");
        _names.Forget("a.example");
        await PassAsync(TimeSpan.FromSeconds(60), questions: 2);
        await PassAsync(TimeSpan.FromSeconds(1), questions: 3);
        await PassAsync(TimeSpan.FromSeconds(2), questions: 4);
        _time.Advance(TimeSpan.FromSeconds(3));
        await Task.Delay(50);
        Assert.Equal(4, _names.Questions);
        Assert.Equal(["192.0.2.1"], _changes);

        _names.Answer("a.example", "192.0.2.7");
        await PassAsync(TimeSpan.FromSeconds(1), questions: 5);
        await Eventually.HoldsAsync(() => _changes.Count == 2);
        Assert.Equal("192.0.2.7", _changes.Last());
    }

    [Fact]
    public async Task After_its_end_nobody_is_asked()
    {
        _names.Answer("a.example", "192.0.2.1");
        await StartAsync(DnsFamily.V4Only, "a.example");
        _resolution!.Dispose();
        _time.Advance(TimeSpan.FromMinutes(5));
        await Task.Delay(50);
        Assert.Equal(1, _names.Questions);
    }

    private Task StartAsync(DnsFamily family, params string[] hosts) => StartAsync(family, hosts, onlyFirst: false);

    private async Task StartAsync(DnsFamily family, string[] hosts, bool onlyFirst)
    {
        var settings = new DnsSettings(family, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(4), TimeSpan.Zero, onlyFirst);
        _resolution = new HostResolution(hosts, settings, _names, _time, Nothing, changed => _changes.Enqueue(
            string.Join(' ', changed.Addresses.OrderBy(host => host.Key, StringComparer.Ordinal).SelectMany(host => host.Value))));
        _resolution.Start();
        await Eventually.HoldsAsync(() => !_changes.IsEmpty);
    }

    // The next question's timer is set a moment after an answer was taken.
    private async Task PassAsync(TimeSpan time, int questions)
    {
        await Task.Delay(50);
        _time.Advance(time);
        await Eventually.HoldsAsync(() => _names.Questions == questions);
    }
}
