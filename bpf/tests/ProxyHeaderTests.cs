using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Waypoint.NodeAgent.Engine;
using Waypoint.TestBed;

namespace Waypoint.Bpf.Tests;

/// <summary>The PROXY v2 header: once, before the client's first bytes, however they are sent.</summary>
public sealed class ProxyHeaderTests(EngineBed bed) : EngineTest(bed)
{
    private const int Header4 = 28;
    private const int Header6 = 52;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    internal override KernelEngineOptions Options => base.Options with { Capacities = new() { AwaitingProxyHeader = 4 } };

    [Fact]
    public void An_IPv4_header_is_exact_to_the_byte()
    {
        using var waypoint = ListenForHeaders();
        using var client = Sockets.Connected(Bed.Client, Vip.V4);
        using var accepted = waypoint.AcceptOne();

        client.Send("hello"u8);
        client.Shutdown(SocketShutdown.Send);

        Assert.Equal([.. Header(client.Address(), Vip.V4), .. "hello"u8], accepted.ReadToEnd());
    }

    [Fact]
    public void An_IPv6_header_is_exact_to_the_byte()
    {
        using var waypoint = ListenForHeaders(AddressFamily.InterNetworkV6);
        using var client = Sockets.Connected(Bed.Client, Vip.V6);
        using var accepted = waypoint.AcceptOne();

        client.Send("hello"u8);
        client.Shutdown(SocketShutdown.Send);

        Assert.Equal([.. Header(client.Address(), Vip.V6), .. "hello"u8], accepted.ReadToEnd());
    }

    [Fact]
    public void An_IPv4_destination_of_an_IPv6_socket_gets_an_IPv4_header()
    {
        using var waypoint = ListenForHeaders();
        using var client = Sockets.Client(Bed.Client, AddressFamily.InterNetworkV6);
        client.DualMode = true;
        Assert.Equal(Sockets.NoError, client.TryConnect(new IPEndPoint(Vip.V4.Address.MapToIPv6(), Vip.V4.Port)));
        using var accepted = waypoint.AcceptOne();

        client.Send("hello"u8);

        var source = new IPEndPoint(Bed.Client.Address4, client.Address().Port);
        Assert.Equal(Header(source, Vip.V4), accepted.ReadExactly(Header4));
    }

    [Fact]
    public void An_IPv6_destination_behind_an_IPv4_waypoint_gets_an_IPv6_header_with_a_mapped_source()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint);
        ServeThroughWaypoint(Vip.V6, waypoint.Address(), BackendFlags.WantsProxyHeader);
        using var client = Sockets.Client(Bed.Client, AddressFamily.InterNetworkV6);
        client.DualMode = true;
        Assert.Equal(Sockets.NoError, client.TryConnect(Vip.V6));
        using var accepted = waypoint.AcceptOne();

        client.Send("hello"u8);

        Assert.Equal(Header(client.Address(), Vip.V6), accepted.ReadExactly(Header6));
    }

    [Fact]
    public void Many_small_sends_get_one_header()
    {
        using var waypoint = ListenForHeaders();
        using var client = Sockets.Connected(Bed.Client, Vip.V4);
        using var accepted = waypoint.AcceptOne();

        var sent = new byte[1000];
        RandomNumberGenerator.Fill(sent);
        foreach (var single in sent.Chunk(1))
        {
            client.Send(single);
        }

        client.Shutdown(SocketShutdown.Send);

        Assert.Equal([.. Header(client.Address(), Vip.V4), .. sent], accepted.ReadToEnd());
        Assert.Equal(1u, Engine.Counters[Counter.ProxyHeaderSent]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    public async Task A_first_send_of_a_mebibyte_gets_one_header(int sendBuffer)
    {
        using var waypoint = ListenForHeaders();
        using var client = Sockets.Connected(Bed.Client, Vip.V4);
        using var accepted = waypoint.AcceptOne();
        if (sendBuffer > 0)
        {
            client.SendBufferSize = sendBuffer;
        }

        var sent = RandomNumberGenerator.GetBytes(1024 * 1024);
        var received = Task.Run(accepted.ReadToEnd);
        Assert.Equal(sent.Length, client.Send(sent));
        client.Shutdown(SocketShutdown.Send);

        AssertSame([.. Header(client.Address(), Vip.V4), .. sent], await received);
    }

    [Fact]
    public async Task A_non_blocking_first_send_into_a_full_buffer_gets_one_header()
    {
        using var waypoint = ListenForHeaders();
        using var client = Sockets.Connected(Bed.Client, Vip.V4);
        using var accepted = waypoint.AcceptOne();
        client.SendBufferSize = 4096;
        client.Blocking = false;

        var sent = RandomNumberGenerator.GetBytes(1024 * 1024);
        // Nobody reads yet: the first send fills what there is and returns with a part.
        var first = client.Send(sent);
        Assert.InRange(first, 1, sent.Length - 1);
        var received = Task.Run(accepted.ReadToEnd);
        for (var done = first; done < sent.Length;)
        {
            Assert.True(client.Poll(Deadline, SelectMode.SelectWrite));
            done += client.Send(sent.AsSpan(done), SocketFlags.None, out var error);
            Assert.True(error is SocketError.Success or SocketError.WouldBlock, error.ToString());
        }

        client.Shutdown(SocketShutdown.Send);

        AssertSame([.. Header(client.Address(), Vip.V4), .. sent], await received);
    }

    [Fact]
    public async Task A_file_sent_by_sendfile_gets_one_header()
    {
        using var waypoint = ListenForHeaders();
        using var client = Sockets.Connected(Bed.Client, Vip.V4);
        using var accepted = waypoint.AcceptOne();
        var sent = RandomNumberGenerator.GetBytes(300_000);
        var file = Path.Combine(Bed.Bed.ScratchDirectory, "sendfile");
        await File.WriteAllBytesAsync(file, sent);

        var received = Task.Run(accepted.ReadToEnd);
        client.SendWholeFile(file);
        client.Shutdown(SocketShutdown.Send);

        AssertSame([.. Header(client.Address(), Vip.V4), .. sent], await received);
    }

    [Fact]
    public void The_server_can_speak_first()
    {
        using var waypoint = ListenForHeaders();
        using var client = Sockets.Connected(Bed.Client, Vip.V4);
        using var accepted = waypoint.AcceptOne();
        Assert.NotNull(Sockets.TcpOption(accepted.SavedSyn(), 254));

        accepted.Send("220 ready\r\n"u8);
        Assert.Equal("220 ready\r\n"u8.ToArray(), client.ReadExactly(11));
        client.Send("EHLO\r\n"u8);
        client.Shutdown(SocketShutdown.Send);

        Assert.Equal([.. Header(client.Address(), Vip.V4), .. "EHLO\r\n"u8], accepted.ReadToEnd());
    }

    [Fact]
    public void A_client_that_says_nothing_can_end_its_side()
    {
        using var waypoint = ListenForHeaders();
        using var client = Sockets.Connected(Bed.Client, Vip.V4);
        using var accepted = waypoint.AcceptOne();

        client.Shutdown(SocketShutdown.Send);

        Assert.Empty(accepted.ReadToEnd());
    }

    [Fact]
    public async Task Once_the_header_is_acknowledged_the_socket_is_on_the_plain_path_again()
    {
        using var waypoint = ListenForHeaders();
        using var client = Sockets.Connected(Bed.Client, Vip.V4);
        using var accepted = waypoint.AcceptOne();
        Assert.True(Engine.IsWatched(client.Cookie()));

        client.Send("hello"u8);
        accepted.ReadExactly(Header4 + 5);

        await Eventually.TrueAsync(() => !Engine.IsWatched(client.Cookie()), Deadline, "the socket to leave the sockhash");
        Assert.Equal(1u, Engine.Counters[Counter.SockmapLeft]);
        client.Send(" world"u8);
        Assert.Equal(" world"u8.ToArray(), accepted.ReadExactly(6));
        accepted.Send("ok"u8);
        Assert.Equal("ok"u8.ToArray(), client.ReadExactly(2));
    }

    [Fact]
    public async Task A_full_sockhash_refuses_the_connection_and_loses_no_destination()
    {
        using var waypoint = ListenForHeaders();
        var waiting = Enumerable.Range(0, 4).Select(_ => Sockets.Connected(Bed.Client, Vip.V4)).ToList();

        using var client = Sockets.Client(Bed.Client);
        Assert.Equal(Sockets.ConnectionRefused, client.TryConnect(Vip.V4));
        Assert.Equal(1u, Engine.Counters[Counter.RefusedSockmapFull]);

        // Each way to give back a place: the header acknowledged, the socket closed, used for something else.
        waiting[0].Send("hello"u8);
        await Eventually.TrueAsync(() => client.TryConnect(Vip.V4) == Sockets.NoError, Deadline, "a place after a header");
        waiting[1].Dispose();
        using var afterClose = Sockets.Connected(Bed.Client, Vip.V4);
        waiting[2].Dissolve();
        using var afterReuse = Sockets.Connected(Bed.Client, Vip.V4);

        Assert.Equal(0u, Engine.Counters[Counter.SockmapFailed]);
        waiting.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public void A_connect_that_fails_before_its_SYN_gives_back_its_place_with_the_socket()
    {
        var nowhere = new IPEndPoint(IPAddress.Parse("192.0.2.1"), 15088);
        ServeThroughWaypoint(Vip.V4, nowhere, BackendFlags.WantsProxyHeader);

        // More sockets, and more attempts on each, than there are places.
        for (var socket = 0; socket < 6; socket++)
        {
            using var client = Sockets.Client(Bed.Client);
            for (var attempt = 0; attempt < 6; attempt++)
            {
                Assert.Equal(Sockets.NetworkUnreachable, client.TryConnect(Vip.V4));
            }
        }

        Assert.Equal(0u, Engine.Counters[Counter.RefusedSockmapFull]);
    }

    [Fact]
    public void A_connection_that_is_refused_by_its_waypoint_gives_back_its_place()
    {
        ServeThroughWaypoint(Vip.V4, new IPEndPoint(Bed.Waypoint.Address4, 1), BackendFlags.WantsProxyHeader);

        var clients = Enumerable.Range(0, 6).Select(_ => Sockets.Client(Bed.Client)).ToList();
        Assert.All(clients, client => Assert.Equal(Sockets.ConnectionRefused, client.TryConnect(Vip.V4)));

        Assert.Equal(0u, Engine.Counters[Counter.RefusedSockmapFull]);
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public void Bytes_that_left_before_the_socket_was_watched_are_not_followed_by_a_header()
    {
        using var waypoint = ListenForHeaders();
        using var client = Sockets.Client(Bed.Client);

        // The kernel's TCP Fast Open sends from within a call that began before there was a connection.
        Assert.Equal(5, client.SendFastOpen(Vip.V4, "early"u8.ToArray()));
        using var accepted = waypoint.AcceptOne();
        client.Send("later"u8);
        client.Shutdown(SocketShutdown.Send);

        Assert.Equal("earlylater"u8.ToArray(), accepted.ReadToEnd());
        Assert.NotNull(Sockets.TcpOption(accepted.SavedSyn(), 254));
        Assert.Equal(1u, Engine.Counters[Counter.ProxyHeaderLate]);
    }

    [Fact]
    public void A_waypoint_that_does_not_want_a_header_gets_none()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint);
        ServeThroughWaypoint(Vip.V4, waypoint.Address());
        using var client = Sockets.Connected(Bed.Client, Vip.V4);

        Assert.False(Engine.IsWatched(client.Cookie()));
        client.Send("hello"u8);
        client.Shutdown(SocketShutdown.Send);

        Assert.Equal("hello"u8.ToArray(), waypoint.AcceptOne().ReadToEnd());
    }

    private Socket ListenForHeaders(AddressFamily family = AddressFamily.InterNetwork)
    {
        var waypoint = Sockets.Listen(Bed.Waypoint, family);
        ServeThroughWaypoint(family == AddressFamily.InterNetwork ? Vip.V4 : Vip.V6, waypoint.Address(), BackendFlags.WantsProxyHeader);
        return waypoint;
    }

    /// <summary>As the specification has it, written a second time and independently.</summary>
    private static byte[] Header(IPEndPoint source, IPEndPoint destination)
    {
        var ipv4 = source.AddressFamily == AddressFamily.InterNetwork;
        byte[] ports = new byte[4];
        BinaryPrimitives.WriteUInt16BigEndian(ports, (ushort)source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(ports.AsSpan(2), (ushort)destination.Port);
        return
        [
            .. "\r\n\r\n\0\r\nQUIT\n"u8,
            0x21, ipv4 ? (byte)0x11 : (byte)0x21,
            0, ipv4 ? (byte)12 : (byte)36,
            .. source.Address.GetAddressBytes(), .. destination.Address.GetAddressBytes(), .. ports,
        ];
    }

    /// <summary>xunit would print both arrays.</summary>
    private static void AssertSame(byte[] expected, byte[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.Equal(-1, expected.AsSpan().CommonPrefixLength(actual) == actual.Length ? -1 : expected.AsSpan().CommonPrefixLength(actual));
    }
}
