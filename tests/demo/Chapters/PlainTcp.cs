using System.Globalization;
using Waypoint.TestBed;
using Waypoint.TestBed.Mesh;
using Waypoint.TestBed.Traffic;

namespace Waypoint.Demo.Chapters;

/// <summary>What is not HTTP, through the same waypoint.</summary>
internal static class PlainTcp
{
    private static readonly TimeSpan GreetingAllowance = TimeSpan.FromMilliseconds(10);

    internal static Chapter Chapter { get; } = new("Plain TCP", [
        new("Bytes to a TCP port, and a FIN", "the same bytes back, and a FIN", BytesAsync),
        new("A half-closed connection: the server answers after our FIN", "its answer arrives", HalfCloseAsync),
        new("A TCPRoute to v2, to a server that speaks first", "\"hello from v2\"", GreetingAsync),
        new("MariaDB's client logs in and asks for 6 * 7", "42", MariaDbAsync),
        new("20 connections to MariaDB, and 20 past the mesh", $"greeted as soon, give or take {GreetingAllowance.TotalMilliseconds:0} ms", NoAddedDelayAsync),
        new("HTTP, then other bytes, to ports that declare no protocol", "HTTP is routed, bytes are passed", UndeclaredProtocolAsync),
        new("Bytes to a pod's port that no Service declares", "the same bytes back", UndeclaredPortAsync),
    ]);

    private static async Task<Seen> BytesAsync(LocalMesh mesh) =>
        Same("\0\u0001ping\r\n\r\n", await TcpExchange.AskAsync(mesh["client"], "echo.shop", 9090, "\0\u0001ping\r\n\r\n"));

    private static async Task<Seen> HalfCloseAsync(LocalMesh mesh)
    {
        TcpAnswer answer = await TcpExchange.AskAsync(mesh["client"], "echo.shop", 9092, "twelve bytes");
        return new Seen(answer.Text is "v1 received 12 bytes\n" or "v2 received 12 bytes\n", $"\"{answer.Text.Trim()}\"");
    }

    private static async Task<Seen> GreetingAsync(LocalMesh mesh)
    {
        TcpAnswer answer = await TcpExchange.ListenAsync(mesh["client"], "echo.shop", 9091);
        return new Seen(answer.Text == "hello from v2\n", string.Create(CultureInfo.InvariantCulture, $"\"{answer.Text.Trim()}\" after {answer.FirstByte.TotalMilliseconds:0.0} ms"));
    }

    private static async Task<Seen> MariaDbAsync(LocalMesh mesh)
    {
        await DatabaseReadyAsync(mesh);
        ProcessResult client = await mesh["client"].RunAsync(
            "mariadb", ["--no-defaults", "--host=database.shop", "--user=root", "--skip-column-names", "--batch", "--execute=select 6 * 7, version()"]);
        return new Seen(client.ExitCode == 0 && client.Output.StartsWith("42\t", StringComparison.Ordinal), $"{client.Output}{client.Error}".Trim().Replace('\t', ' '));
    }

    private static async Task<Seen> NoAddedDelayAsync(LocalMesh mesh)
    {
        await DatabaseReadyAsync(mesh);
        TimeSpan direct = await TcpExchange.MedianGreetingAsync(mesh["stranger"], mesh["database"].Address4.ToString(), 3306, 20);
        TimeSpan through = await TcpExchange.MedianGreetingAsync(mesh["client"], "database.shop", 3306, 20);
        return new Seen(
            through - direct < GreetingAllowance,
            string.Create(CultureInfo.InvariantCulture, $"median {through.TotalMilliseconds:0.0} ms through the waypoint, {direct.TotalMilliseconds:0.0} ms direct"));
    }

    private static async Task<Seen> UndeclaredProtocolAsync(LocalMesh mesh)
    {
        HttpAnswer http = await HttpConnection.OnceAsync(mesh["client"], "echo.shop", 9998, "GET / HTTP/1.1\r\nHost: echo\r\nConnection: close\r\n\r\n");
        Seen bytes = Same("SSH-2.0-none\r\n", await TcpExchange.AskAsync(mesh["client"], "echo.shop", 9999, "SSH-2.0-none\r\n"));
        return new Seen(http.Status == 200 && bytes.Held, $"{http.HeadLines[0]}; {bytes.Text}");
    }

    private static async Task<Seen> UndeclaredPortAsync(LocalMesh mesh) =>
        Same("anything\n", await TcpExchange.AskAsync(mesh["client"], mesh["echo-v1"].Address4.ToString(), 4242, "anything\n"));

    private static Seen Same(string sent, TcpAnswer answer) =>
        new(answer.Text == sent, answer.Text == sent ? $"{sent.Length} of {sent.Length} bytes back" : $"\"{answer.Text}\"");

    private static async Task DatabaseReadyAsync(LocalMesh mesh) =>
        await mesh.Container("database").WaitForLineAsync(line => line.Contains("ready for connections", StringComparison.Ordinal), TimeSpan.FromSeconds(20));
}
