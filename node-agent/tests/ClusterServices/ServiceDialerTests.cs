using System.Net;
using System.Net.Sockets;
using Waypoint.NodeAgent.ClusterServices;
using Waypoint.NodeAgent.Kubernetes.Model;
using Waypoint.NodeAgent.Workloads;
using static Waypoint.NodeAgent.Tests.ClusterServices.ServiceTranslatorTests;

namespace Waypoint.NodeAgent.Tests.ClusterServices;

public sealed class ServiceDialerTests : IDisposable
{
    private readonly ServiceInventory _inventory = new(new Node("node-1", ReplacesKubeProxy: true));
    private readonly ServiceDialer _dialer;
    private readonly TcpListener _server = new(IPAddress.Loopback, 0);

    public ServiceDialerTests()
    {
        _dialer = new ServiceDialer(_inventory);
        _server.Start();
    }

    private ushort Port => (ushort)((IPEndPoint)_server.LocalEndpoint).Port;

    [Theory]
    [InlineData("echo.shop.svc")]
    [InlineData("echo.shop.svc.cluster.local")]
    public async Task A_service_is_reached_at_an_endpoint_that_answers_once_all_are_known(string host)
    {
        Task<Stream> connecting = _dialer.ConnectAsync(new DnsEndPoint(host, 80), CancellationToken.None).AsTask();
        Assert.False(connecting.IsCompleted);

        // 127.0.0.2 has the port closed.
        _inventory.Replace([Make("10.96.0.1")]);
        _inventory.Replace([Slice("IPv4", [("http", Port)], Ready("127.0.0.2"), Ready("127.0.0.1"))]);

        await using Stream stream = await connecting;
        using Socket accepted = await _server.AcceptSocketAsync();
    }

    [Fact]
    public async Task A_service_or_port_that_is_not_there_is_named()
    {
        _inventory.Replace([Make("10.96.0.1")]);
        _inventory.Replace(Array.Empty<EndpointSlice>());

        Assert.Equal("service shop/echo, port 80: the Kubernetes API knows no endpoint of it", await ErrorAsync("echo.shop.svc"));
        Assert.Equal("service shop/other, port 80: the Kubernetes API knows no endpoint of it", await ErrorAsync("other.shop.svc"));
    }

    [Fact]
    public async Task What_is_no_service_is_dialled_as_it_is()
    {
        await using Stream stream = await _dialer.ConnectAsync(new DnsEndPoint("127.0.0.1", Port), CancellationToken.None);
        using Socket accepted = await _server.AcceptSocketAsync();
    }

    public void Dispose() => _server.Dispose();

    private async Task<string> ErrorAsync(string host) => (await Assert.ThrowsAsync<IOException>(
        () => _dialer.ConnectAsync(new DnsEndPoint(host, 80), CancellationToken.None).AsTask())).Message;
}
