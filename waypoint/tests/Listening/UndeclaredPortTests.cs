using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Waypoint.Proxy.Listening;

namespace Waypoint.Proxy.Tests.Listening;

public sealed class UndeclaredPortTests
{
    private const string Get = "GET /x HTTP/1.1\r\nHost: shop\r\n\r\n";

    [Fact]
    public async Task HTTP_is_told_by_its_first_bytes_and_the_backend_is_not_bothered()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync(Patient)).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.UndeclaredService);
        await client.SendAsync(Get);
        Assert.EndsWith("/x to 10.96.0.3:9999 from 127.0.0.1 as - chain http", await client.ReadResponseAsync());
        Assert.Equal(0, front.Connections.Opened);
    }

    [Theory]
    [InlineData("\x16\x03\x01\x02\x00\x01")]
    [InlineData("EHLO mail.example\r\n")]
    [InlineData("\0\0\0\x08")]
    [InlineData("GET nothing\r\n")]
    public async Task Other_bytes_reach_the_backend_untouched_and_get_no_HTTP_error(string bytes)
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync(Patient)).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.UndeclaredService);
        await client.SendAsync(bytes);
        using var server = await backend.AcceptAsync();
        Assert.Equal(bytes, await server.ReadAsync(bytes.Length));
        await server.SendAsync("answer");
        server.Dispose();
        Assert.Equal("answer", await client.ReadToEndAsync());
    }

    [Theory]
    [InlineData("PRI * HTTP")]
    [InlineData("GE")]
    [InlineData("\r\n")]
    [InlineData("P")]
    public async Task Bytes_that_stay_ambiguous_are_passed_on_as_bytes(string bytes)
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync(Patient with { SniffTimeout = TimeSpan.FromMilliseconds(30) })).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.UndeclaredService);
        await client.SendAsync(bytes);
        using var server = await backend.AcceptAsync();
        Assert.Equal(bytes, await server.ReadAsync(bytes.Length));
    }

    [Fact]
    public async Task Ambiguous_bytes_before_an_end_of_stream_are_passed_on_with_it()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync(Patient)).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.UndeclaredService);
        await client.SendAsync("GE");
        client.Shutdown(SocketShutdown.Send);
        using var server = await backend.AcceptAsync();
        Assert.Equal("GE", await server.ReadToEndAsync());
    }

    [Fact]
    public async Task A_server_that_speaks_first_is_heard_and_the_next_connection_does_not_wait()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync(Front.Settings with { SilenceBeforeDial = TimeSpan.FromSeconds(1.5) })).Serve(backend.Address);
        await GreetAsync(front, backend);

        var watch = Stopwatch.StartNew();
        await GreetAsync(front, backend);
        Assert.True(watch.ElapsedMilliseconds < 1400, $"The second connection took {watch.ElapsedMilliseconds} ms");
    }

    [Fact]
    public async Task A_remembered_server_first_does_not_hold_against_a_client_that_speaks_HTTP()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync(Quick)).Serve(backend.Address);
        await GreetAsync(front, backend);

        using var client = await front.ConnectAsync(Front.UndeclaredService);
        using (var unused = await backend.AcceptAsync())
        {
            await client.SendAsync(Get);
            Assert.EndsWith("chain http", await client.ReadResponseAsync());
            Assert.Equal("", await unused.ReadToEndAsync());
        }

        await GreetAsync(front, backend);
    }

    [Fact]
    public async Task A_client_that_is_slow_to_speak_HTTP_is_still_served_HTTP()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync(Quick)).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.UndeclaredService);
        using var unused = await backend.AcceptAsync();
        await client.SendAsync("PRI");
        await client.SendAsync(" * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");

        // The server's own preface: a SETTINGS frame.
        Assert.Equal('\x04', (await client.ReadAsync(9))[3]);
        Assert.Equal("", await unused.ReadToEndAsync());
    }

    [Fact]
    public async Task A_client_that_is_slow_to_speak_something_else_uses_the_connection_that_waits_for_it()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync(Quick)).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.UndeclaredService);
        using var server = await backend.AcceptAsync();
        await client.SendAsync("hello ");
        await client.SendAsync("there");
        Assert.Equal("hello there", await server.ReadAsync(11));
        Assert.Equal(1, front.Connections.Opened);
    }

    [Fact]
    public async Task A_silent_client_of_a_dead_backend_is_told_so()
    {
        await using var front = (await Front.StartAsync(Quick)).Serve(ClosedPort());
        using var client = await front.ConnectAsync(Front.UndeclaredService);
        Assert.True(await client.IsResetAsync());
        Assert.Equal(1, front.Metrics.Rejected(RejectionReason.ConnectFailure));
    }

    [Fact]
    public async Task On_a_port_declared_HTTP_other_bytes_are_closed_on_without_an_HTTP_error()
    {
        await using var front = (await Front.StartAsync()).Serve();
        using var client = await front.ConnectAsync(Front.HttpService);
        await client.SendAsync("\x16\x03\x01\x02\x00\x01");
        Assert.True(await client.IsResetAsync());
        Assert.Equal(1, front.Metrics.Rejected(RejectionReason.NotHttp));
    }

    private static Waypoint.Proxy.Listening.ListeningSettings Patient => Front.Settings with { SilenceBeforeDial = TimeSpan.FromSeconds(30) };

    private static Waypoint.Proxy.Listening.ListeningSettings Quick => Front.Settings with { SilenceBeforeDial = TimeSpan.FromMilliseconds(20) };

    internal static IPEndPoint ClosedPort()
    {
        using var backend = new Backend();
        return backend.Address;
    }

    private static async Task GreetAsync(Front front, Backend backend)
    {
        using var client = await front.ConnectAsync(Front.UndeclaredService);
        using var server = await backend.AcceptAsync();
        await server.SendAsync("220 ready\r\n");
        Assert.Equal("220 ready\r\n", await client.ReadAsync(11));
        await client.SendAsync("QUIT\r\n");
        Assert.Equal("QUIT\r\n", await server.ReadAsync(6));
    }
}
