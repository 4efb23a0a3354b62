using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Waypoint.Proxy.Hbone.Outbound;
using Waypoint.Proxy.Tests.Listening;

namespace Waypoint.Proxy.Tests.Hbone;

/// <summary>The HTTP/2 client, frame by frame, against a server that the test plays itself.</summary>
public sealed class TunnelSessionTests
{
    private static readonly byte[] Connect = Hpack.Connect("10.1.2.3:80", []);

    [Fact]
    public async Task It_begins_with_the_preface_its_settings_and_the_connections_window()
    {
        await using var peer = await Peer.StartAsync(new(), greets: false);
        var preface = new byte[24];
        await peer.Stream.ReadExactlyAsync(preface);
        Assert.Equal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(), preface);
        Assert.Equal(
            [0, 0, 24, 4, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 4, 0, 0x40, 0, 0, 0, 6, 0, 1, 0, 0],
            (await peer.ReadAsync()).ToBytes());
        Assert.Equal([0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0xff, 0, 1], (await peer.ReadAsync()).ToBytes());
        await peer.SendAsync(RawFrame.Settings, 0, 0, []);
        Assert.Equal([0, 0, 0, 4, 1, 0, 0, 0, 0], (await peer.ReadAsync()).ToBytes());
    }

    [Fact]
    public async Task A_stream_is_a_CONNECT_and_its_bytes_are_DATA()
    {
        await using var peer = await Peer.StartAsync();
        var stream = peer.Session.TryOpen(Connect)!;
        var request = await peer.ReadAsync();
        Assert.Equal([0, 0, (byte)Connect.Length, 1, 4, 0, 0, 0, 1, .. Connect], request.ToBytes());
        await peer.SendAsync(RawFrame.Headers, 4, 1, [0x88]);
        Assert.Equal(200, await stream.Status.Task.WaitAsync(SocketExtensions.Patience));

        await stream.WriteAsync("hello"u8.ToArray());
        Assert.Equal([0, 0, 5, 0, 0, 0, 0, 0, 1, .. "hello"u8], (await peer.ReadAsync()).ToBytes());
        await stream.EndAsync();
        Assert.Equal([0, 0, 0, 0, 1, 0, 0, 0, 1], (await peer.ReadAsync()).ToBytes());

        await peer.SendAsync(RawFrame.Data, 0, 1, "answer after the end"u8);
        await peer.SendAsync(RawFrame.Data, 1, 1, []);
        Assert.Equal("answer after the end", await ReadAllAsync(stream.Input));
        Assert.Equal(0, peer.Session.Streams);
        Assert.NotNull(peer.Session.TryOpen(Connect));
        Assert.Equal(3, (await peer.ReadAsync()).Stream);
    }

    [Fact]
    public async Task Interim_answers_padding_priority_continuation_and_unknown_frames_are_understood()
    {
        await using var peer = await Peer.StartAsync();
        var stream = peer.Session.TryOpen(Connect)!;
        await peer.SendAsync(RawFrame.Headers, 4, 1, [0x08, 3, .. "103"u8]);
        await peer.SendAsync(0xbe, 0xff, 0, [1, 2, 3]);
        await peer.SendAsync(RawFrame.Headers, 0x28, 1, [2, 0, 0, 0, 0, 16, 0x08, 3, 0, 0]);
        await peer.SendAsync(RawFrame.Continuation, 0, 1, "20"u8);
        await peer.SendAsync(RawFrame.Continuation, 4, 1, "0"u8);
        Assert.Equal(200, await stream.Status.Task.WaitAsync(SocketExtensions.Patience));
        await peer.SendAsync(RawFrame.Data, 8, 1, [3, .. "abc"u8, 0, 0, 0]);
        await peer.SendAsync(RawFrame.Headers, 5, 1, [0, 1, .. "t"u8, 1, .. "v"u8]);
        Assert.Equal("abc", await ReadAllAsync(stream.Input));
    }

    [Fact]
    public async Task Another_answer_than_200_is_told_with_its_status()
    {
        await using var peer = await Peer.StartAsync();
        var stream = peer.Session.TryOpen(Connect)!;
        await peer.SendAsync(RawFrame.Headers, 5, 1, [0x08, 3, .. "401"u8]);
        Assert.Equal(401, await stream.Status.Task.WaitAsync(SocketExtensions.Patience));
    }

    [Fact]
    public async Task No_more_is_sent_than_the_streams_window_allows()
    {
        await using var peer = await Peer.StartAsync(settings: [0, 4, 0, 0, 0, 10]);
        var stream = await peer.OpenAsync();
        var writing = stream.WriteAsync("0123456789abcdef"u8.ToArray());
        Assert.Equal("0123456789", Encoding.ASCII.GetString((await peer.ReadAsync()).Payload));
        await peer.AssertSilentAsync();
        Assert.False(writing.IsCompleted);

        await peer.SendAsync(RawFrame.WindowUpdate, 0, 1, [0, 0, 0, 2]);
        Assert.Equal("ab", Encoding.ASCII.GetString((await peer.ReadAsync()).Payload));

        // RFC 9113, section 6.9.2: the change of the initial window is applied to what is left.
        await peer.SendAsync(RawFrame.Settings, 0, 0, [0, 4, 0, 0, 0, 13]);
        Assert.Equal(RawFrame.Settings, (await peer.ReadAsync()).Type);
        Assert.Equal("cde", Encoding.ASCII.GetString((await peer.ReadAsync()).Payload));
        await peer.SendAsync(RawFrame.WindowUpdate, 0, 1, [0, 0, 0, 9]);
        Assert.Equal("f", Encoding.ASCII.GetString((await peer.ReadAsync()).Payload));
        await writing;
    }

    [Fact]
    public async Task No_more_is_sent_than_the_connections_window_allows_and_streams_take_turns()
    {
        await using var peer = await Peer.StartAsync(settings: [0, 4, 0, 0, 0, 0]);
        var (one, two) = (await peer.OpenAsync(), await peer.OpenAsync());
        var writing = new[] { one.WriteAsync(new byte[50_000]).AsTask(), two.WriteAsync(new byte[50_000]).AsTask() };

        // Both are ready from here on.
        await peer.SendAsync(RawFrame.Settings, 0, 0, [0, 4, 0x7f, 0, 0, 0]);
        await peer.ReadUntilAsync(RawFrame.Settings);
        var received = new Dictionary<int, int> { [1] = 0, [3] = 0 };
        while (received.Values.Sum() < 65_535)
        {
            var frame = await peer.ReadAsync();
            Assert.InRange(frame.Payload.Length, 1, 16_384);
            received[frame.Stream] += frame.Payload.Length;
        }

        Assert.Equal(65_535, received.Values.Sum());
        Assert.True(received.Values.Min() > 16_000, $"{received[1]} and {received[3]}");
        await peer.AssertSilentAsync();
        await peer.SendAsync(RawFrame.WindowUpdate, 0, 0, [0, 1, 0, 0]);
        while (received.Values.Sum() < 100_000)
        {
            var frame = await peer.ReadAsync();
            received[frame.Stream] += frame.Payload.Length;
        }

        await Task.WhenAll(writing);
    }

    [Fact]
    public async Task What_is_read_is_granted_again_and_what_is_not_is_not()
    {
        await using var peer = await Peer.StartAsync();
        var (read, unread) = (await peer.OpenAsync(), await peer.OpenAsync());
        for (var sent = 0; sent < TunnelSession.StreamWindow; sent += 16_384)
        {
            await peer.SendAsync(RawFrame.Data, 0, 3, new byte[16_384]);
        }

        await peer.AssertSilentAsync();
        for (var sent = 0; sent < TunnelSession.StreamWindow; sent += 16_384)
        {
            await peer.SendAsync(RawFrame.Data, 0, 1, new byte[16_384]);
        }

        var granted = new Dictionary<int, int> { [0] = 0, [1] = 0 };
        var reading = ReadAsync(read.Input, TunnelSession.StreamWindow);
        while (granted[0] < TunnelSession.ConnectionWindow / 4 || granted[1] < TunnelSession.StreamWindow * 3 / 4)
        {
            var update = await peer.ReadAsync();
            Assert.Equal(RawFrame.WindowUpdate, update.Type);
            granted[update.Stream] += BinaryPrimitives.ReadInt32BigEndian(update.Payload);
        }

        await reading;

        // Bytes that nobody will read any more do not hold up the connection.
        unread.Input.Complete();
        var rest = await peer.ReadUntilAsync(frame => frame.Stream == 0);
        Assert.Equal(TunnelSession.StreamWindow, BinaryPrimitives.ReadInt32BigEndian(rest.Payload));
    }

    [Fact]
    public async Task More_than_the_window_is_an_error_of_the_stream()
    {
        await using var peer = await Peer.StartAsync();
        var stream = await peer.OpenAsync();
        for (var sent = 0; sent <= TunnelSession.StreamWindow; sent += 16_384)
        {
            await peer.SendAsync(RawFrame.Data, 0, 1, new byte[16_384]);
        }

        var reset = await peer.ReadUntilAsync(RawFrame.ResetStream);
        Assert.Equal((1, (uint)Http2Error.FlowControl), (reset.Stream, reset.Error));
        await Assert.ThrowsAnyAsync<IOException>(async () => await ReadAllAsync(stream.Input));
    }

    [Fact]
    public async Task Long_frames_arrive_unchanged_while_others_are_sent()
    {
        await using var peer = await Peer.StartAsync();
        var opened = await peer.OpenAsync();
        var stream = new OutboundDuplexStream(opened);
        var data = System.Security.Cryptography.RandomNumberGenerator.GetBytes(300_000);
        var sending = Task.Run(async () =>
        {
            foreach (var piece in data.Chunk(16_000))
            {
                await peer.SendAsync(RawFrame.Data, 0, 1, piece);
            }
        });
        var writing = stream.WriteAsync(data.AsMemory(0, 60_000)).AsTask();
        var received = new byte[data.Length];
        await stream.ReadExactlyAsync(received);
        Assert.Equal(data.Length, data.AsSpan().CommonPrefixLength(received));
        await Task.WhenAll(sending, writing);
    }

    [Fact]
    public async Task A_reset_ends_one_stream_both_ways()
    {
        await using var peer = await Peer.StartAsync();
        var (one, two) = (await peer.OpenAsync(), await peer.OpenAsync());
        await peer.SendAsync(RawFrame.ResetStream, 0, 1, [0, 0, 0, 10]);
        await Assert.ThrowsAnyAsync<IOException>(async () => await one.Input.ReadAsync());
        await Assert.ThrowsAnyAsync<IOException>(async () => await one.WriteAsync(new byte[1]));
        await two.WriteAsync("x"u8.ToArray());
        Assert.Equal(3, (await peer.ReadAsync()).Stream);

        two.Reset();
        var reset = await peer.ReadAsync();
        Assert.Equal((RawFrame.ResetStream, 3, 10u), (reset.Type, reset.Stream, reset.Error));
        Assert.Equal(0, peer.Session.Streams);
    }

    [Fact]
    public async Task A_stream_that_is_closed_before_its_write_is_done_is_reset_and_the_bytes_are_not_sent()
    {
        await using var peer = await Peer.StartAsync();
        var stream = peer.Session.TryOpen(Connect)!;
        await peer.ReadAsync();
        var connection = new OutboundDuplexStream(stream);
        var bytes = new byte[70_000];
        var writing = connection.WriteAsync(bytes).AsTask();
        for (var read = 0; read < 65_535;)
        {
            read += (await peer.ReadAsync()).Payload.Length;
        }

        await connection.DisposeAsync();
        await Assert.ThrowsAsync<IOException>(() => writing.WaitAsync(SocketExtensions.Patience));
        await peer.SendAsync(RawFrame.WindowUpdate, 0, 1, [0, 0, 0x40, 0]);
        await peer.SendAsync(RawFrame.WindowUpdate, 0, 0, [0, 0, 0x40, 0]);
        var reset = await peer.ReadAsync();
        Assert.Equal((RawFrame.ResetStream, 8u), (reset.Type, reset.Error));
        await peer.SendAsync(RawFrame.Ping, 0, 0, new byte[8]);
        Assert.Equal(RawFrame.Ping, (await peer.ReadAsync()).Type);
    }

    [Fact]
    public async Task A_write_that_is_given_up_resets_the_stream()
    {
        await using var peer = await Peer.StartAsync();
        var stream = peer.Session.TryOpen(Connect)!;
        using var patience = new CancellationTokenSource();
        var writing = new OutboundDuplexStream(stream).WriteAsync(new byte[70_000], patience.Token).AsTask();
        await patience.CancelAsync();
        await Assert.ThrowsAsync<IOException>(() => writing.WaitAsync(SocketExtensions.Patience));
        Assert.Equal(0, peer.Session.Streams);
    }

    [Fact]
    public async Task After_GOAWAY_streams_up_to_the_last_go_on_and_the_others_may_be_tried_elsewhere()
    {
        await using var peer = await Peer.StartAsync();
        var kept = await peer.OpenAsync();
        var lost = peer.Session.TryOpen(Connect)!;
        await peer.ReadAsync();
        await peer.SendAsync(RawFrame.GoAway, 0, 0, [0, 0, 0, 1, 0, 0, 0, 0]);
        Assert.True((await Assert.ThrowsAsync<TunnelException>(() => lost.Status.Task.WaitAsync(SocketExtensions.Patience))).IsUntouched);
        Assert.Null(peer.Session.TryOpen(Connect));
        Assert.True(peer.HasEnded);

        await kept.WriteAsync("kept"u8.ToArray());
        Assert.Equal("kept", Encoding.ASCII.GetString((await peer.ReadAsync()).Payload));
        await peer.SendAsync(RawFrame.Data, 1, 1, "too"u8);
        Assert.Equal("too", await ReadAllAsync(kept.Input));
        await kept.EndAsync();
        Assert.Equal(RawFrame.Data, (await peer.ReadAsync()).Type);
        Assert.Equal(RawFrame.GoAway, (await peer.ReadAsync()).Type);
        Assert.Null(await peer.TryReadAsync());
    }

    [Fact]
    public async Task A_stream_that_is_refused_may_be_tried_elsewhere()
    {
        await using var peer = await Peer.StartAsync();
        var stream = peer.Session.TryOpen(Connect)!;
        await peer.SendAsync(RawFrame.ResetStream, 0, 1, [0, 0, 0, 7]);
        Assert.True((await Assert.ThrowsAsync<TunnelException>(() => stream.Status.Task.WaitAsync(SocketExtensions.Patience))).IsUntouched);
    }

    [Fact]
    public async Task A_ping_is_answered()
    {
        await using var peer = await Peer.StartAsync();
        await peer.SendAsync(RawFrame.Ping, 0, 0, "12345678"u8);
        Assert.Equal([0, 0, 8, 6, 1, 0, 0, 0, 0, .. "12345678"u8], (await peer.ReadAsync()).ToBytes());
    }

    [Fact]
    public async Task A_silent_server_is_pinged_and_given_up()
    {
        await using var peer = await Peer.StartAsync(new()
        {
            // Longer than a busy machine takes for the beginning.
            PingDelay = TimeSpan.FromSeconds(1),
            PingTimeout = TimeSpan.FromSeconds(2),
            WatchPeriod = TimeSpan.FromMilliseconds(20),
        });
        var stream = await peer.OpenAsync();
        var ping = await peer.ReadAsync();
        Assert.Equal((RawFrame.Ping, 0), (ping.Type, ping.Flags));
        await peer.SendAsync(RawFrame.Ping, 1, 0, ping.Payload);
        Assert.Equal(RawFrame.Ping, (await peer.ReadAsync()).Type);
        var failure = await Assert.ThrowsAsync<TunnelException>(async () => await stream.Input.ReadAsync());
        Assert.Equal("hbone_ping_timeout", failure.Reason);
    }

    [Fact]
    public async Task An_idle_connection_is_closed_with_GOAWAY()
    {
        await using var peer = await Peer.StartAsync(new() { IdleTime = TimeSpan.FromMilliseconds(100), WatchPeriod = TimeSpan.FromMilliseconds(20) });
        var frame = await peer.ReadAsync();
        Assert.Equal((RawFrame.GoAway, 0u), (frame.Type, frame.Error));
        Assert.Null(await peer.TryReadAsync());
        Assert.Null(peer.Session.TryOpen(Connect));
    }

    [Fact]
    public async Task As_many_streams_as_the_server_says_are_opened()
    {
        await using var peer = await Peer.StartAsync(settings: [0, 3, 0, 0, 0, 2]);
        var one = await peer.OpenAsync();
        Assert.NotNull(peer.Session.TryOpen(Connect));
        Assert.Null(peer.Session.TryOpen(Connect));
        one.Cancel();
        Assert.NotNull(peer.Session.TryOpen(Connect));
    }

    [Theory]
    [InlineData("DATA on stream 0", (byte)RawFrame.Data, (byte)0, 0, "00", Http2Error.Protocol)]
    [InlineData("a stream of the server's", (byte)RawFrame.Headers, (byte)4, 2, "88", Http2Error.Protocol)]
    [InlineData("a stream that was not opened", (byte)RawFrame.Headers, (byte)4, 9, "88", Http2Error.Protocol)]
    [InlineData("DATA before the answer", (byte)RawFrame.Data, (byte)0, 1, "00", Http2Error.Protocol)]
    [InlineData("a push", (byte)5, (byte)4, 1, "0000000288", Http2Error.Protocol)]
    [InlineData("CONTINUATION alone", (byte)RawFrame.Continuation, (byte)4, 1, "88", Http2Error.Protocol)]
    [InlineData("too much padding", (byte)RawFrame.Headers, (byte)0xc, 1, "0588", Http2Error.Protocol)]
    [InlineData("a short ping", (byte)RawFrame.Ping, (byte)0, 0, "00", Http2Error.FrameSize)]
    [InlineData("a short reset", (byte)RawFrame.ResetStream, (byte)0, 1, "00", Http2Error.FrameSize)]
    [InlineData("odd settings", (byte)RawFrame.Settings, (byte)0, 0, "00", Http2Error.FrameSize)]
    [InlineData("a giant window", (byte)RawFrame.Settings, (byte)0, 0, "000480000000", Http2Error.FlowControl)]
    [InlineData("a window that overflows", (byte)RawFrame.WindowUpdate, (byte)0, 0, "7fffffff", Http2Error.FlowControl)]
    [InlineData("a dynamic index", (byte)RawFrame.Headers, (byte)4, 1, "be", Http2Error.Compression)]
    [InlineData("no status", (byte)RawFrame.Headers, (byte)4, 1, "", Http2Error.Protocol)]
    internal async Task A_broken_frame_ends_the_connection_with_its_error(string what, byte type, byte flags, int stream, string payload, Http2Error error)
    {
        await using var peer = await Peer.StartAsync();
        var opened = peer.Session.TryOpen(Connect)!;
        await peer.ReadAsync();
        await peer.SendAsync(type, flags, stream, Convert.FromHexString(payload));
        var goodbye = await peer.ReadUntilAsync(RawFrame.GoAway);
        Assert.True(goodbye.Error == (uint)error, $"{what}: {(Http2Error)goodbye.Error}");
        await Assert.ThrowsAsync<TunnelException>(() => opened.Status.Task.WaitAsync(SocketExtensions.Patience));
        Assert.Null(await peer.TryReadAsync());
    }

    [Fact]
    public async Task A_server_that_does_not_begin_with_SETTINGS_is_left()
    {
        await using var peer = await Peer.StartAsync(new(), greets: false);
        await peer.SendAsync(RawFrame.Ping, 0, 0, new byte[8]);
        await peer.Stream.ReadExactlyAsync(new byte[24]);
        Assert.Equal((uint)Http2Error.Protocol, (await peer.ReadUntilAsync(RawFrame.GoAway)).Error);
    }

    [Fact]
    public async Task Frames_that_come_in_single_bytes_are_understood()
    {
        await using var peer = await Peer.StartAsync();
        var stream = peer.Session.TryOpen(Connect)!;
        byte[] bytes = [0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88, 0, 0, 3, 0, 1, 0, 0, 0, 1, .. "end"u8];
        foreach (var one in bytes)
        {
            await peer.Stream.WriteAsync(new[] { one });
        }

        Assert.Equal("end", await ReadAllAsync(stream.Input));
    }

    private static async Task<string> ReadAllAsync(PipeReader input)
    {
        using var patience = new CancellationTokenSource(SocketExtensions.Patience);
        var text = "";
        while (true)
        {
            var result = await input.ReadAsync(patience.Token);
            text += Encoding.Latin1.GetString(result.Buffer);
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return text;
            }
        }
    }

    private static async Task ReadAsync(PipeReader input, int count)
    {
        for (var read = 0L; read < count;)
        {
            var result = await input.ReadAsync();
            read += result.Buffer.Length;
            input.AdvanceTo(result.Buffer.End);
        }
    }

    /// <summary>The server's end of the connection.</summary>
    private sealed class Peer : IAsyncDisposable
    {
        private readonly NetworkStream _client;
        private readonly Task _running;

        private Peer(NetworkStream client, NetworkStream server, TunnelSessionSettings settings)
        {
            (_client, Stream) = (client, server);
            Session = new TunnelSession(client, settings, _ => HasEnded = true);
            _running = Session.RunAsync();
        }

        public NetworkStream Stream { get; }

        public TunnelSession Session { get; }

        public bool HasEnded { get; private set; }

        /// <param name="settings">The payload of the server's SETTINGS.</param>
        /// <param name="greets">False leaves the preface of both sides to the test.</param>
        public static async Task<Peer> StartAsync(TunnelSessionSettings? own = null, byte[]? settings = null, bool greets = true)
        {
            using var backend = new Backend();
            var client = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await client.ConnectAsync(backend.Address);
            var server = await backend.AcceptAsync();
            var peer = new Peer(new NetworkStream(client, true), new NetworkStream(server, true), own ?? new());
            if (greets)
            {
                await peer.SendAsync(RawFrame.Settings, 0, 0, settings ?? []);
                await peer.Stream.ReadExactlyAsync(new byte[24]);
                await peer.ReadUntilAsync(frame => frame is { Type: RawFrame.Settings, Flags: 1 });
            }

            return peer;
        }

        public async Task<OutboundStream> OpenAsync()
        {
            var stream = Session.TryOpen(Connect)!;
            Assert.Equal(RawFrame.Headers, (await ReadAsync()).Type);
            await SendAsync(RawFrame.Headers, 4, stream.Id, [0x88]);
            await stream.Status.Task.WaitAsync(SocketExtensions.Patience);
            return stream;
        }

        public Task SendAsync(byte type, byte flags, int stream, ReadOnlySpan<byte> payload) =>
            Stream.WriteAsync(new RawFrame(type, flags, stream, payload.ToArray()).ToBytes()).AsTask();

        public async Task<RawFrame> ReadAsync() => await RawFrame.ReadAsync(Stream) ?? throw new IOException("The connection has ended.");

        public Task<RawFrame?> TryReadAsync() => RawFrame.ReadAsync(Stream);

        public Task<RawFrame> ReadUntilAsync(byte type) => ReadUntilAsync(frame => frame.Type == type);

        public async Task<RawFrame> ReadUntilAsync(Predicate<RawFrame> isWanted)
        {
            while (true)
            {
                if (await ReadAsync() is var frame && isWanted(frame))
                {
                    return frame;
                }
            }
        }

        public async Task AssertSilentAsync()
        {
            await Task.Delay(100);
            Assert.False(Stream.DataAvailable);
        }

        public async ValueTask DisposeAsync()
        {
            await Session.DisposeAsync();
            await _running.WaitAsync(SocketExtensions.Patience);
            await Stream.DisposeAsync();
            await _client.DisposeAsync();
        }
    }
}
