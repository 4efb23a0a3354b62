using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Waypoint.NodeAgent.Engine;

namespace Waypoint.Bpf.Tests;

/// <summary>The SYN's option as a waypoint reads it: TCP_SAVED_SYN of the accepted socket.</summary>
public sealed class SynOptionTests(EngineBed bed) : EngineTest(bed)
{
    private const byte Kind = 254;

    [Fact]
    public void An_IPv4_destination_arrives_byte_for_byte()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint);
        ServeThroughWaypoint(Vip.V4, waypoint.Address());

        using var client = Sockets.Connected(Bed.Client, Vip.V4);
        using var accepted = waypoint.AcceptOne();

        Assert.Equal([254, 10, (byte)'W', (byte)'P', 10, 96, 7, 9, 8080 >> 8, 8080 & 0xff], Sockets.TcpOption(accepted.SavedSyn(), Kind));
        Assert.Equal(1u, Engine.Counters[Counter.SynOptionWritten]);
    }

    [Fact]
    public void An_IPv6_destination_arrives_byte_for_byte_beside_all_usual_options()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint, AddressFamily.InterNetworkV6);
        ServeThroughWaypoint(Vip.V6, waypoint.Address());

        using var client = Sockets.Connected(Bed.Client, Vip.V6);
        var syn = waypoint.AcceptOne().SavedSyn();

        byte[] expected = [254, 20, .. Vip.V6.Address.GetAddressBytes(), 8080 >> 8, 8080 & 0xff];
        Assert.Equal(expected, Sockets.TcpOption(syn, Kind));
        // MSS, window scale, SACK, timestamps
        Assert.All((byte[])[2, 3, 4, 8], kind => Assert.NotNull(Sockets.TcpOption(syn, kind)));
    }

    [Fact]
    public void An_IPv4_destination_of_an_IPv6_socket_arrives_as_IPv4()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint);
        ServeThroughWaypoint(Vip.V4, waypoint.Address());

        using var client = Sockets.Client(Bed.Client, AddressFamily.InterNetworkV6);
        client.DualMode = true;
        Assert.Equal(Sockets.NoError, client.TryConnect(new IPEndPoint(Vip.V4.Address.MapToIPv6(), Vip.V4.Port)));

        var option = Sockets.TcpOption(waypoint.AcceptOne().SavedSyn(), Kind)!;
        Assert.Equal(Vip.V4, new IPEndPoint(new IPAddress(option.AsSpan(4, 4)), BinaryPrimitives.ReadUInt16BigEndian(option.AsSpan(8))));
    }

    [Fact]
    public void It_is_there_before_the_first_byte_so_that_the_server_can_speak_first()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint);
        ServeThroughWaypoint(Vip.V4, waypoint.Address());

        using var client = Sockets.Connected(Bed.Client, Vip.V4);
        using var accepted = waypoint.AcceptOne();
        Assert.NotNull(Sockets.TcpOption(accepted.SavedSyn(), Kind));
        accepted.Send("220 ready\r\n"u8);

        Assert.Equal("220 ready\r\n"u8.ToArray(), client.ReadExactly(11));
    }

    [Fact]
    public void A_Multipath_TCP_connection_has_it_too_and_no_header()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint);
        ServeThroughWaypoint(Vip.V4, waypoint.Address(), BackendFlags.WantsProxyHeader);
        using var client = Sockets.MultipathClient(Bed.Client);
        Assert.Equal(Sockets.NoError, client.TryConnect(Vip.V4));
        using var accepted = waypoint.AcceptOne();

        client.Send("hello"u8);

        Assert.NotNull(Sockets.TcpOption(accepted.SavedSyn(), Kind));
        Assert.Equal("hello"u8.ToArray(), accepted.ReadExactly(5));
        Assert.Equal(1u, Engine.Counters[Counter.SockmapFailed]);
    }

    [Fact]
    public void A_balanced_connection_has_none()
    {
        using var backend = Sockets.Listen(Bed.Server);
        Serve(Vip.V4, backend.Address());

        using var client = Sockets.Connected(Bed.Client, Vip.V4);

        Assert.Null(Sockets.TcpOption(backend.AcceptOne().SavedSyn(), Kind));
    }

    [Fact]
    public void It_leaves_the_bytes_of_the_connection_alone()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint);
        ServeThroughWaypoint(Vip.V4, waypoint.Address());

        using var client = Sockets.Connected(Bed.Client, Vip.V4);
        using var accepted = waypoint.AcceptOne();
        client.Send("hello"u8);
        client.Shutdown(SocketShutdown.Send);

        Assert.Equal("hello"u8.ToArray(), accepted.ReadToEnd());
    }
}
