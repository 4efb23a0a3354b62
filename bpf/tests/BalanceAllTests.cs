using System.Net;
using System.Net.Sockets;
using Waypoint.NodeAgent.Engine;
using Pod = Waypoint.TestBed.Pod;

namespace Waypoint.Bpf.Tests;

/// <summary>Where connect() leads for those who are not enrolled, on a node without a kube-proxy.</summary>
public sealed class BalanceAllTests : EngineTest
{
    public BalanceAllTests(EngineBed bed)
        : base(bed) => Engine.Pods.Remove(CookieOf(bed.Client));

    internal override KernelEngineOptions Options => base.Options with { BalanceAll = true };

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public void A_pod_that_is_not_enrolled_reaches_a_cluster_address(AddressFamily family)
    {
        IPEndPoint vip = family == AddressFamily.InterNetwork ? Vip.V4 : Vip.V6;
        using Socket backend = Sockets.Listen(Bed.Server, family);
        AddFrontend(vip, AddService([backend.Address()], flags: ServiceFlags.ForAll));

        using Socket client = Sockets.Connected(Bed.Client, vip);
        using Socket accepted = backend.AcceptOne();

        Assert.Equal(vip, client.PeerName());
        Assert.Equal(accepted.RemoteEndPoint, client.Address());
        Assert.Equal((1ul, 0ul), (Engine.Counters[Counter.Balanced], Engine.Counters[Counter.NotEnrolled]));
    }

    [Fact]
    public void So_do_the_nodes_own_processes()
    {
        using Socket backend = Sockets.Listen(Bed.Server);
        AddFrontend(Vip.V4, AddService([backend.Address()], flags: ServiceFlags.ForAll));

        using Socket client = Bed.Bed.Node.CreateSocket(AddressFamily.InterNetwork);

        Assert.Equal(Sockets.NoError, client.TryConnect(Vip.V4));
        backend.AcceptOne().Dispose();
    }

    [Fact]
    public void Without_the_setting_nobody_does()
    {
        Engine.Settings = Engine.Settings with { Flags = SettingFlags.Events };
        using Socket backend = Sockets.Listen(Bed.Server);
        AddFrontend(Vip.V4, AddService([backend.Address()], flags: ServiceFlags.ForAll));

        AssertLeft(Bed.Client, Vip.V4, Counter.NotEnrolled);
    }

    [Fact]
    public void What_is_no_cluster_address_is_left_alone()
    {
        using Socket backend = Sockets.Listen(Bed.Server);
        Serve(Vip.V4, backend.Address());

        AssertLeft(Bed.Client, Vip.V4, Counter.NotEnrolled);
        AssertLeft(Bed.Client, new IPEndPoint(Vip.V4.Address, 1), Counter.NotEnrolled, 2);
    }

    [Fact]
    public void A_waypoint_is_for_enrolled_pods_and_the_endpoints_behind_it_are_for_all()
    {
        using Socket waypoint = Sockets.Listen(Bed.Waypoint);
        using Socket backend = Sockets.Listen(Bed.Server);
        AddFrontend(Vip.V4, AddService([backend.Address()], AddService([waypoint.Address()]), ServiceFlags.ForAll));

        using Socket outside = Sockets.Connected(Bed.Client, Vip.V4);
        using Socket accepted = backend.AcceptOne();
        Assert.Null(Sockets.TcpOption(accepted.SavedSyn(), 254));

        Enrol(Bed.Client);
        using Socket enrolled = Sockets.Connected(Bed.Client, Vip.V4);
        waypoint.AcceptOne().Dispose();
        Assert.Equal((1ul, 1ul), (Engine.Counters[Counter.Balanced], Engine.Counters[Counter.Redirected]));
    }

    [Fact]
    public void Ports_that_only_a_waypoint_takes_are_left_alone()
    {
        using Socket waypoint = Sockets.Listen(Bed.Waypoint);
        ServeThroughWaypoint(new IPEndPoint(Vip.V4.Address, 0), waypoint.Address());

        AssertLeft(Bed.Client, Vip.V4, Counter.NotEnrolled);
    }

    [Fact]
    public void A_waypoints_own_connections_reach_the_endpoints_and_no_waypoint()
    {
        using Socket backend = Sockets.Listen(Bed.Server);
        using Socket waypoint = Sockets.Listen(Bed.Waypoint);
        AddFrontend(Vip.V4, AddService([backend.Address()], AddService([waypoint.Address()]), ServiceFlags.ForAll));
        ServeThroughWaypoint(Vip.V6, waypoint.Address());
        Enrol(Bed.Waypoint, PodFlags.Waypoint);

        using Socket client = Sockets.Connected(Bed.Waypoint, Vip.V4);
        backend.AcceptOne().Dispose();
        AssertLeft(Bed.Waypoint, Vip.V6, Counter.GuardWaypointNamespace);
    }

    [Fact]
    public void Without_an_endpoint_the_host_is_unreachable_at_once()
    {
        AddFrontend(Vip.V4, AddService([], flags: ServiceFlags.ForAll));

        using Socket client = Sockets.Client(Bed.Client);

        Assert.Equal(Sockets.HostUnreachable, client.TryConnect(Vip.V4));
        Assert.Equal(1ul, Engine.Counters[Counter.RefusedNoBackend]);
    }

    [Fact]
    public void What_is_not_the_meshs_is_not_reported()
    {
        using ConnectionEvents events = Engine.OpenEvents();
        using Socket backend = Sockets.Listen(Bed.Server);
        AddFrontend(Vip.V4, AddService([backend.Address()], flags: ServiceFlags.ForAll));
        AddFrontend(Vip.V6, AddService([], flags: ServiceFlags.ForAll));

        Socket client = Sockets.Connected(Bed.Client, Vip.V4);
        Socket accepted = backend.AcceptOne();
        client.Dispose();
        accepted.Dispose();
        using Socket refused = Sockets.Client(Bed.Client, AddressFamily.InterNetworkV6);
        Assert.Equal(Sockets.HostUnreachable, refused.TryConnect(Vip.V6));

        // Of an enrolled pod's connection, which came later, it is told.
        Enrol(Bed.Client);
        using Socket enrolled = Sockets.Connected(Bed.Client, Vip.V4);
        var seen = new ConnectionEvent[16];
        Assert.Equal(1, events.Read(seen));
        Assert.Equal(enrolled.Cookie(), seen[0].Socket);
    }

    [Fact]
    public void A_socket_that_is_used_again_elsewhere_forgets_its_cluster_address()
    {
        using Socket backend = Sockets.Listen(Bed.Server);
        AddFrontend(Vip.V4, AddService([backend.Address()], flags: ServiceFlags.ForAll));
        using Socket client = Sockets.Connected(Bed.Client, Vip.V4);

        client.Dissolve();
        Assert.Equal(Sockets.NoError, client.TryConnect(backend.Address()));

        Assert.Equal(backend.Address(), client.PeerName());
    }

    private void AssertLeft(Pod pod, IPEndPoint destination, Counter counter, ulong times = 1)
    {
        using Socket client = Sockets.Client(pod, destination.AddressFamily);
        Assert.Equal(Sockets.NetworkUnreachable, client.TryConnect(destination));
        Assert.Equal(times, Engine.Counters[counter]);
    }
}
