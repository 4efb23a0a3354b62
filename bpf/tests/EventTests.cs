using System.Net;
using System.Net.Sockets;
using Waypoint.NodeAgent.Engine;
using Waypoint.TestBed;

namespace Waypoint.Bpf.Tests;

/// <summary>What the ring buffer tells about connections.</summary>
public sealed class EventTests : EngineTest, IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    private readonly ConnectionEvents _events;
    private readonly List<ConnectionEvent> _seen = [];

    public EventTests(EngineBed bed)
        : base(bed) => _events = Engine.OpenEvents();

    void IDisposable.Dispose()
    {
        _events.Dispose();
        Dispose();
    }

    [Fact]
    public async Task A_redirected_connection_is_reported_opened_and_closed_with_its_bytes()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint);
        ServeThroughWaypoint(Vip.V4, waypoint.Address(), BackendFlags.WantsProxyHeader);
        var client = Sockets.Connected(Bed.Client, Vip.V4);
        using var accepted = waypoint.AcceptOne();
        var (source, cookie) = (client.Address(), client.Cookie());

        client.Send(new byte[100_000]);
        accepted.ReadExactly(28 + 100_000);
        accepted.Send(new byte[7]);
        client.ReadExactly(7);
        client.Shutdown(SocketShutdown.Send);
        accepted.ReadToEnd();
        accepted.Shutdown(SocketShutdown.Send);
        client.ReadToEnd();
        client.Dispose();

        var closed = await NextAsync(ConnectionEventKind.Closed);
        var opened = Assert.Single(_seen, seen => seen.Kind == ConnectionEventKind.Opened);
        Assert.All([opened, closed], seen =>
        {
            Assert.Equal(Counter.Redirected, seen.Reason);
            Assert.Equal(cookie, seen.Socket);
            Assert.Equal(CookieOf(Bed.Client), seen.Netns);
            Assert.Equal(source, new IPEndPoint(seen.Source.ToIPAddress(), seen.SourcePort.ToPort()));
            Assert.Equal(Vip.V4, new IPEndPoint(seen.Original.ToIPAddress(), seen.OriginalPort.ToPort()));
            Assert.Equal(waypoint.Address(), new IPEndPoint(seen.Chosen.ToIPAddress(), seen.ChosenPort.ToPort()));
        });
        Assert.True(Engine.Frontends.TryGet(KeyOf(Vip.V4), out var frontend));
        Assert.Equal(frontend.Service, closed.Service);
        Assert.Equal(100_000u, closed.BytesSent);
        Assert.Equal(7u, closed.BytesReceived);
        Assert.InRange(closed.DurationNs, opened.DurationNs, (ulong)Deadline.TotalNanoseconds);
    }

    [Fact]
    public async Task A_connection_that_its_backend_resets_is_reported_failed()
    {
        Serve(Vip.V6, new IPEndPoint(Bed.Server.Address6, 1));
        using var client = Sockets.Client(Bed.Client, AddressFamily.InterNetworkV6);
        Assert.Equal(Sockets.ConnectionRefused, client.TryConnect(Vip.V6));

        var failed = await NextAsync(ConnectionEventKind.Failed);

        Assert.Equal(Counter.Balanced, failed.Reason);
        Assert.Equal(Bed.Server.Address6, failed.Chosen.ToIPAddress());
        Assert.DoesNotContain(_seen, seen => seen.Kind is ConnectionEventKind.Opened or ConnectionEventKind.Closed);
    }

    [Fact]
    public async Task A_connection_without_a_route_is_reported_failed()
    {
        Serve(Vip.V4, new IPEndPoint(IPAddress.Parse("192.0.2.1"), 1));
        using (var client = Sockets.Client(Bed.Client))
        {
            Assert.Equal(Sockets.NetworkUnreachable, client.TryConnect(Vip.V4));
        }

        await NextAsync(ConnectionEventKind.Failed);
    }

    [Fact]
    public async Task A_refusal_is_reported_with_its_reason()
    {
        var service = Serve(Vip.V4);
        using var client = Sockets.Client(Bed.Client);
        client.TryConnect(Vip.V4);

        var refused = await NextAsync(ConnectionEventKind.Refused);

        Assert.Equal(Counter.RefusedNoBackend, refused.Reason);
        Assert.Equal(service, refused.Service);
        Assert.Equal(Vip.V4.Address, refused.Original.ToIPAddress());
        Assert.Equal(default, refused.Chosen);
    }

    [Fact]
    public void Without_the_setting_nothing_is_reported()
    {
        Engine.Settings = Engine.Settings with { Flags = SettingFlags.None };
        Serve(Vip.V4);
        using var client = Sockets.Client(Bed.Client);
        client.TryConnect(Vip.V4);

        Assert.Equal(0, _events.Read(new ConnectionEvent[16]));
    }

    [Fact]
    public void A_reader_is_woken_by_many_events_and_a_lost_event_is_counted()
    {
        Serve(Vip.V4);
        using var client = Sockets.Client(Bed.Client);
        _events.Wait(TimeSpan.Zero);

        // 1 MiB of 128 bytes each: the ring holds 8,192.
        for (var attempt = 0; attempt < 9000; attempt++)
        {
            client.TryConnect(Vip.V4);
        }

        _events.Wait(Timeout.InfiniteTimeSpan);
        var events = new ConnectionEvent[16_384];
        var read = _events.Read(events);
        Assert.InRange(read, 8000, 8192);
        Assert.Equal(9000u - (ulong)read, Engine.Counters[Counter.EventLost]);
        Assert.All(events[..read], seen => Assert.Equal(ConnectionEventKind.Refused, seen.Kind));
    }

    private async Task<ConnectionEvent> NextAsync(ConnectionEventKind kind)
    {
        var buffer = new ConnectionEvent[16];
        await Eventually.TrueAsync(
            () =>
            {
                _seen.AddRange(buffer[.._events.Read(buffer)]);
                return _seen.Exists(seen => seen.Kind == kind);
            },
            Deadline,
            $"an event {kind}");
        return _seen.First(seen => seen.Kind == kind);
    }
}
