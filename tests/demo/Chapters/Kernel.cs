using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Waypoint.TestBed.Mesh;
using Waypoint.TestBed.Traffic;

namespace Waypoint.Demo.Chapters;

/// <summary>What the kernel engine does, and whom it leaves alone.</summary>
internal static class Kernel
{
    private const int Requests = 50;
    private const string Get = "GET / HTTP/1.1\r\nHost: echo\r\nConnection: close\r\n\r\n";

    internal static Chapter Chapter { get; } = new("The kernel engine", [
        new($"{Requests} requests on new connections, counted in the kernel", $"{Requests} redirected; the waypoint's own are not", CountersAsync),
        new("The same over IPv6", $"{Requests} redirected, all 200", IPv6Async),
        new("A client that is not enrolled dials a pod", "direct: the pod sees the client's own address", StrangerToPodAsync),
        new("A client that is not enrolled dials a service", "no mesh, no route: fails at once", StrangerToServiceAsync),
    ]);

    private static async Task<Seen> CountersAsync(LocalMesh mesh)
    {
        (double before, _) = await CountersOfAsync(mesh);
        int ok = await RequestAsync(mesh, "echo.shop");
        (double after, double guarded) = await CountersOfAsync(mesh);
        double redirected = after - before;
        return new Seen(ok == Requests && redirected == Requests && guarded > 0, string.Create(CultureInfo.InvariantCulture,
            $"{ok} × 200; {redirected} redirected; {guarded} connects of waypoints left alone so far"));
    }

    private static async Task<Seen> IPv6Async(LocalMesh mesh)
    {
        (double redirected, _) = await CountersOfAsync(mesh);
        int ok = await RequestAsync(mesh, "fd00:10:96::10");
        (double redirectedAfter, _) = await CountersOfAsync(mesh);
        return new Seen(ok == Requests && redirectedAfter - redirected == Requests, $"{ok} × 200; {redirectedAfter - redirected} redirected");
    }

    private static async Task<Seen> StrangerToPodAsync(LocalMesh mesh)
    {
        string direct = await ClientSeenAsync(mesh, "stranger");
        string enrolled = await ClientSeenAsync(mesh, "client");
        return new Seen(
            direct == mesh["stranger"].Address4.ToString() && mesh.Waypoints.Keys.Any(waypoint => enrolled == mesh[waypoint].Address4.ToString()),
            $"the pod sees {direct}; for an enrolled client {enrolled}, a waypoint");
    }

    private static async Task<Seen> StrangerToServiceAsync(LocalMesh mesh)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            using Socket socket = await mesh["stranger"].ConnectAsync("echo.shop", 80);
            return new Seen(false, "connected");
        }
        catch (SocketException exception)
        {
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            return new Seen(
                exception.SocketErrorCode == SocketError.NetworkUnreachable && took < TimeSpan.FromMilliseconds(100),
                string.Create(CultureInfo.InvariantCulture, $"{exception.SocketErrorCode} after {took.TotalMilliseconds:0.0} ms"));
        }
    }

    private static async Task<(double Redirected, double Guarded)> CountersOfAsync(LocalMesh mesh) => (
        await mesh.AgentAdmin.CounterAsync("redirected"),
        await mesh.AgentAdmin.CounterAsync("guard_waypoint_namespace"));

    private static async Task<int> RequestAsync(LocalMesh mesh, string host)
    {
        int ok = 0;
        for (int request = 0; request < Requests; request++)
        {
            ok += (await HttpConnection.OnceAsync(mesh["client"], host, 80, Get)).Status == 200 ? 1 : 0;
        }
        return ok;
    }

    private static async Task<string> ClientSeenAsync(LocalMesh mesh, string from)
    {
        HttpAnswer answer = await HttpConnection.OnceAsync(mesh[from], mesh["echo-v1"].Address4.ToString(), 8080, Get);
        using JsonDocument document = JsonDocument.Parse(answer.Body);
        return document.RootElement.GetProperty("client").GetString()!;
    }
}
