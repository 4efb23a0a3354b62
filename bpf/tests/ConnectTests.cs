using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Waypoint.NodeAgent.Engine;

namespace Waypoint.Bpf.Tests;

/// <summary>Where connect() leads, and what it says when it leads nowhere.</summary>
public sealed class ConnectTests(EngineBed bed) : EngineTest(bed)
{
    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(200);

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public void A_service_address_leads_to_a_backend_and_stays_the_peers_name(AddressFamily family)
    {
        var vip = family == AddressFamily.InterNetwork ? Vip.V4 : Vip.V6;
        using var backend = Sockets.Listen(Bed.Server, family);
        Serve(vip, backend.Address());

        using var client = Sockets.Connected(Bed.Client, vip);
        using var accepted = backend.AcceptOne();

        Assert.Equal(vip, client.PeerName());
        Assert.Equal(accepted.RemoteEndPoint, client.Address());
        Assert.Equal(1u, Engine.Counters[Counter.Balanced]);
    }

    [Fact]
    public void An_IPv4_service_dialled_from_an_IPv6_socket_leads_to_its_backend()
    {
        using var backend = Sockets.Listen(Bed.Server);
        Serve(Vip.V4, backend.Address());
        var mapped = new IPEndPoint(Vip.V4.Address.MapToIPv6(), Vip.V4.Port);

        using var client = Sockets.Client(Bed.Client, AddressFamily.InterNetworkV6);
        client.DualMode = true;
        Assert.Equal(Sockets.NoError, client.TryConnect(mapped));
        using var accepted = backend.AcceptOne();

        Assert.Equal(mapped, client.PeerName());
    }

    [Fact]
    public void Every_backend_gets_its_share()
    {
        using var one = Sockets.Listen(Bed.Server);
        using var two = Sockets.Listen(Bed.Server);
        Serve(Vip.V4, one.Address(), two.Address());

        for (var connection = 0; connection < 200; connection++)
        {
            using var client = Sockets.Connected(Bed.Client, Vip.V4);
        }

        // 200 fair coins: fewer than 60 heads happens once in ten million runs.
        var first = 0;
        while (one.Poll(0, SelectMode.SelectRead))
        {
            one.Accept().Dispose();
            first++;
        }

        Assert.InRange(first, 60, 140);
    }

    [Fact]
    public void A_pod_that_is_not_enrolled_is_left_alone()
    {
        Engine.Pods.Remove(CookieOf(Bed.Client));
        using var backend = Sockets.Listen(Bed.Server);
        Serve(Vip.V4, backend.Address());

        using var client = Sockets.Client(Bed.Client);
        Assert.Equal(Sockets.NetworkUnreachable, client.TryConnect(Vip.V4));
        Assert.Equal(1u, Engine.Counters[Counter.NotEnrolled]);
    }

    [Fact]
    public void A_destination_outside_the_mesh_is_left_alone()
    {
        using var elsewhere = Sockets.Listen(Bed.Server);

        using var client = Sockets.Connected(Bed.Client, elsewhere.Address());

        Assert.Equal(elsewhere.Address(), client.PeerName());
        Assert.Equal(1u, Engine.Counters[Counter.NotInMesh]);
    }

    [Fact]
    public void A_port_without_a_frontend_of_its_own_takes_that_of_port_0()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint);
        ServeThroughWaypoint(new IPEndPoint(Vip.V4.Address, 0), waypoint.Address());
        var undeclared = new IPEndPoint(Vip.V4.Address, 9999);

        using var client = Sockets.Connected(Bed.Client, undeclared);

        Assert.Equal(undeclared, client.PeerName());
        Assert.Equal(1u, Engine.Counters[Counter.Redirected]);
    }

    [Fact]
    public void A_workload_without_a_waypoint_is_dialled_as_it_is()
    {
        using var workload = Sockets.Listen(Bed.Server);
        AddFrontend(new IPEndPoint(Bed.Server.Address4, 0), AddService([], flags: ServiceFlags.Direct));

        using var client = Sockets.Connected(Bed.Client, workload.Address());

        Assert.Equal(1u, Engine.Counters[Counter.NotInMesh]);
    }

    [Fact]
    public void UDP_is_left_alone()
    {
        Serve(Vip.V4, new IPEndPoint(Bed.Server.Address4, 53));
        using var client = Bed.Client.CreateSocket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

        Assert.Equal(Sockets.NetworkUnreachable, client.TryConnect(Vip.V4));
    }

    [Fact]
    public void Loop_guard_1_leaves_a_waypoints_namespace_alone()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint);
        ServeThroughWaypoint(Vip.V4, waypoint.Address());
        Enrol(Bed.Waypoint, PodFlags.Waypoint);

        using var client = Sockets.Client(Bed.Waypoint);
        Assert.Equal(Sockets.NetworkUnreachable, client.TryConnect(Vip.V4));

        Assert.Equal(1u, Engine.Counters[Counter.GuardWaypointNamespace]);
        Assert.Equal(0u, Engine.Counters[Counter.GuardOwnWaypoint]);
    }

    [Fact]
    public void Loop_guard_2_leaves_a_connection_to_ones_own_waypoint_alone()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint);
        var own = ServeThroughWaypoint(Vip.V4, waypoint.Address());
        Enrol(Bed.Waypoint, ownWaypoint: own);

        using var client = Sockets.Client(Bed.Waypoint);
        Assert.Equal(Sockets.NetworkUnreachable, client.TryConnect(Vip.V4));

        Assert.Equal(1u, Engine.Counters[Counter.GuardOwnWaypoint]);
        Assert.Equal(0u, Engine.Counters[Counter.GuardWaypointNamespace]);
    }

    [Fact]
    public void Loop_guard_2_does_not_keep_a_waypoint_from_another_one()
    {
        using var waypoint = Sockets.Listen(Bed.Server);
        ServeThroughWaypoint(Vip.V4, waypoint.Address());
        Enrol(Bed.Waypoint, ownWaypoint: NextId());

        using var client = Sockets.Connected(Bed.Waypoint, Vip.V4);

        Assert.Equal(1u, Engine.Counters[Counter.Redirected]);
    }

    [Fact]
    public void Without_a_backend_the_host_is_unreachable_at_once()
    {
        Serve(Vip.V4);

        AssertRefused(Vip.V4, Sockets.HostUnreachable, Counter.RefusedNoBackend);
    }

    [Fact]
    public void Without_an_instance_of_the_waypoint_the_connection_is_refused_at_once()
    {
        AddFrontend(Vip.V6, AddService([], waypoint: AddService([])));

        AssertRefused(Vip.V6, Sockets.ConnectionRefused, Counter.RefusedNoWaypoint);
    }

    [Fact]
    public void With_a_waypoint_that_the_maps_do_not_know_the_connection_is_refused()
    {
        AddFrontend(Vip.V4, AddService([], waypoint: NextId()));

        AssertRefused(Vip.V4, Sockets.ConnectionRefused, Counter.RefusedNoWaypoint);
    }

    [Fact]
    public void With_a_missing_slot_the_connection_fails_and_leaks_to_no_one()
    {
        var service = Serve(Vip.V4, new IPEndPoint(Bed.Server.Address4, 1));
        Engine.Services.TryGet(service, out var entry);
        Engine.Slots.Remove(new SlotKey(entry.Slots, 0));

        AssertRefused(Vip.V4, Sockets.HostUnreachable, Counter.RefusedIncomplete);
        Assert.True(Engine.Counters[Counter.LookupRepeated] > 0);
    }

    [Fact]
    public void An_IPv4_socket_is_not_led_to_an_IPv6_backend()
    {
        Serve(Vip.V4, new IPEndPoint(Bed.Server.Address6, 80));

        AssertRefused(Vip.V4, Sockets.AddressFamilyNotSupported, Counter.RefusedFamily);
    }

    [Fact]
    public void A_socket_that_was_refused_connects_once_there_is_a_backend()
    {
        var service = Serve(Vip.V4);
        using var client = Sockets.Client(Bed.Client);
        Assert.Equal(Sockets.HostUnreachable, client.TryConnect(Vip.V4));

        using var backend = Sockets.Listen(Bed.Server);
        Engine.Services.Set(service, new Service(AddSlots([AddBackend(backend.Address())]), 1, 0, ServiceFlags.None));

        Assert.Equal(Sockets.NoError, client.TryConnect(Vip.V4));
        Assert.Equal(Vip.V4, client.PeerName());
    }

    [Fact]
    public void A_socket_that_is_used_again_forgets_its_first_destination()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint);
        using var elsewhere = Sockets.Listen(Bed.Server);
        ServeThroughWaypoint(Vip.V4, waypoint.Address());
        using var client = Sockets.Connected(Bed.Client, Vip.V4);

        client.Dissolve();
        Assert.Equal(Sockets.NoError, client.TryConnect(elsewhere.Address()));

        Assert.Equal(elsewhere.Address(), client.PeerName());
        Assert.Null(Sockets.TcpOption(elsewhere.AcceptOne().SavedSyn(), 254));
    }

    [Fact]
    public void A_socket_that_is_used_again_outside_the_mesh_forgets_its_first_destination()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint);
        ServeThroughWaypoint(Vip.V4, waypoint.Address());
        using var client = Sockets.Connected(Bed.Client, Vip.V4);

        client.Dissolve();
        Engine.Pods.Remove(CookieOf(Bed.Client));
        Assert.Equal(Sockets.NoError, client.TryConnect(waypoint.Address()));

        Assert.Equal(waypoint.Address(), client.PeerName());
    }

    [Fact]
    public void A_socket_bound_to_an_address_and_port_keeps_them()
    {
        using var backend = Sockets.Listen(Bed.Server);
        Serve(Vip.V4, backend.Address());
        var source = new IPEndPoint(Bed.Client.Address4, 40_000);

        using var client = Sockets.Client(Bed.Client);
        client.Bind(source);
        Assert.Equal(Sockets.NoError, client.TryConnect(Vip.V4));

        Assert.Equal(source, backend.AcceptOne().RemoteEndPoint);
    }

    [Fact]
    public void A_non_blocking_connect_is_led_as_well()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint);
        ServeThroughWaypoint(Vip.V4, waypoint.Address());

        using var client = Sockets.Client(Bed.Client);
        client.Blocking = false;
        Assert.Equal(Sockets.InProgress, client.TryConnect(Vip.V4));
        Assert.True(client.Poll(TimeSpan.FromSeconds(5), SelectMode.SelectWrite));

        // Asking again is how some programs learn that it is done.
        Assert.Equal(Sockets.NoError, client.TryConnect(Vip.V4));
        Assert.Equal(Vip.V4, client.PeerName());
        Assert.Equal(1u, Engine.Counters[Counter.Redirected]);
    }

    private void AssertRefused(IPEndPoint destination, int errno, Counter counter)
    {
        using var client = Sockets.Client(Bed.Client, destination.AddressFamily);
        var start = Stopwatch.GetTimestamp();

        Assert.Equal(errno, client.TryConnect(destination));

        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, AtOnce);
        Assert.Equal(1u, Engine.Counters[counter]);
    }
}
