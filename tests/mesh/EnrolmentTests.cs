using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using Waypoint.TestBed;
using Waypoint.TestBed.Traffic;

namespace Waypoint.Mesh.Tests;

/// <summary>Whom the kernel engine touches, and whom it leaves alone.</summary>
[Collection(WholeMesh.Name)]
public sealed class EnrolmentTests(DemoMesh demo)
{
    private const string Get = "GET / HTTP/1.1\r\nHost: echo\r\nConnection: close\r\n\r\n";

    [Fact]
    public async Task Each_connection_of_an_enrolled_client_is_redirected()
    {
        double redirected = await demo.Mesh.AgentAdmin.CounterAsync("redirected");
        for (int request = 0; request < 20; request++)
        {
            Assert.Equal(200, (await HttpConnection.OnceAsync(demo.Client, "echo.shop", 80, Get)).Status);
        }
        Assert.Equal(redirected + 20, await demo.Mesh.AgentAdmin.CounterAsync("redirected"));
    }

    [Fact]
    public async Task A_pod_sees_a_client_that_is_not_enrolled_under_its_own_address() =>
        Assert.Equal(demo.Stranger.Address4.ToString(), await ClientSeenAsync(demo.Stranger, demo.Mesh["echo-v1"].Address4.ToString(), 8080));

    [Fact]
    public async Task A_client_that_is_not_enrolled_has_no_services()
    {
        SocketException failure = await Assert.ThrowsAsync<SocketException>(() => demo.Stranger.ConnectAsync("echo.shop", 80));

        Assert.Equal(SocketError.NetworkUnreachable, failure.SocketErrorCode);
    }

    [Fact]
    public async Task A_service_without_a_waypoint_is_balanced_straight_to_its_pods()
    {
        HashSet<string> versions = [];
        for (int request = 0; request < 60; request++)
        {
            HttpAnswer answer = await HttpConnection.OnceAsync(demo.Client, "plain.plain", 80, Get);
            versions.Add(answer.Version);
        }
        Assert.Equal(["a", "b"], versions.Order());
        Assert.Equal(demo.Client.Address4.ToString(), await ClientSeenAsync(demo.Client, "plain.plain", 80));
    }

    [Fact]
    public async Task The_client_still_sees_the_address_that_it_dialled()
    {
        using Socket socket = await demo.Client.ConnectAsync("echo.shop", 80);

        Assert.Equal("10.96.0.10:80", socket.RemoteEndPoint!.ToString());
    }

    [Fact]
    public async Task A_service_without_endpoints_is_unreachable_at_once()
    {
        long start = Stopwatch.GetTimestamp();
        SocketException failure = await Assert.ThrowsAsync<SocketException>(() => demo.Client.ConnectAsync("deserted.plain", 80));

        Assert.Equal(SocketError.HostUnreachable, failure.SocketErrorCode);
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromMilliseconds(250));
    }

    [Fact]
    public async Task A_waypoints_own_connections_are_left_alone()
    {
        double guarded = await demo.Mesh.AgentAdmin.CounterAsync("guard_waypoint_namespace");

        // Unredirected, a waypoint's namespace has no way to a service's address.
        SocketException failure = await Assert.ThrowsAsync<SocketException>(() => demo.Mesh["waypoint-a"].ConnectAsync("echo.shop", 80));

        Assert.Equal(SocketError.NetworkUnreachable, failure.SocketErrorCode);
        Assert.Equal(guarded + 1, await demo.Mesh.AgentAdmin.CounterAsync("guard_waypoint_namespace"));
    }

    [Fact]
    public async Task IPv6_goes_the_same_way()
    {
        double redirected = await demo.Mesh.AgentAdmin.CounterAsync("redirected");

        Assert.Equal(200, (await HttpConnection.OnceAsync(demo.Client, "fd00:10:96::10", 80, Get)).Status);
        Assert.Equal("six", (await TcpExchange.AskAsync(demo.Client, "fd00:10:96::10", 9090, "six")).Text);
        Assert.Equal(redirected + 2, await demo.Mesh.AgentAdmin.CounterAsync("redirected"));
    }

    private static async Task<string> ClientSeenAsync(Sandbox from, string host, int port)
    {
        HttpAnswer answer = await HttpConnection.OnceAsync(from, host, port, Get);
        return JsonDocument.Parse(answer.Body).RootElement.GetProperty("client").GetString()!;
    }
}
