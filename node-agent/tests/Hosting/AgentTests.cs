using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Waypoint.NodeAgent.Tests.Workloads;
using Waypoint.TestBed;
using Waypoint.TestBed.Mesh;

namespace Waypoint.NodeAgent.Tests.Hosting;

/// <summary>The program as a whole, on a real kernel, with real pods.</summary>
[Collection(AgentTestGroup.Name)]
public sealed class AgentTests(AgentBed bed) : IDisposable
{
    private readonly Listener _one = new(bed.Server);
    private readonly Listener _two = new(bed.Server);

    private string One => $"{bed.Server.Address4}:{_one.Port}";

    private string Two => $"{bed.Server.Address4}:{_two.Port}";

    [Fact]
    public async Task An_enrolled_pod_reaches_a_service_and_the_metrics_and_the_log_say_so()
    {
        bed.SayEcho(null, _one.Port);
        await using AgentProcess agent = await AgentProcess.StartAsync(bed.Bed, "--connection-log");
        JsonElement enrolled = await agent.EnrolAsync(bed.Client);
        Assert.Equal(bed.Client.Address4.ToString(), enrolled.GetProperty("addresses")[0].GetString());
        Assert.Equal("Kubernetes//Pod/shop/client", enrolled.GetProperty("workload").GetString());
        double balanced = await agent.MetricAsync("waypoint_kernel_total", "\"balanced\"");

        using (Socket client = Connect())
        {
            client.Send("hello"u8);
        }

        await agent.WaitAsync(async () => await agent.MetricAsync("istio_tcp_received_bytes_total", "source_workload=\"client\"") == 5, "the bytes of the connection");
        string[] labels =
        [
            "source_workload=\"client\"", "source_principal=\"spiffe://cluster.local/ns/shop/sa/client\"", "destination_workload=\"server-0\"",
            "destination_service=\"echo.shop.svc.cluster.local\"", "destination_service_namespace=\"shop\"", "response_flags=\"-\"",
        ];
        Assert.Equal(1, await agent.MetricAsync("istio_tcp_connections_opened_total", labels));
        Assert.Equal(1, await agent.MetricAsync("istio_tcp_connections_closed_total", labels));
        Assert.Equal(balanced + 1, await agent.MetricAsync("waypoint_kernel_total", "\"balanced\""));
        Assert.Equal(1, await agent.MetricAsync("waypoint_map_entries", "map=\"pods\""));
        await agent.WaitAsync(
            () => Task.FromResult(agent.Output.Contains($"connection complete src.addr={bed.Client.Address4}:", StringComparison.Ordinal)
                && agent.Output.Contains($"dst.addr=10.96.0.1:80 dst.connected={One} dst.service=\"echo.shop.svc.cluster.local\"", StringComparison.Ordinal)),
            "the log line");
    }

    [Fact]
    public async Task Killed_and_started_again_it_adopts_what_is_in_force()
    {
        bed.SayEcho(null, _one.Port);
        AgentProcess agent = await AgentProcess.StartAsync(bed.Bed);
        await agent.EnrolAsync(bed.Client);
        await agent.WaitForBackendsAsync(One);
        await agent.DisposeAsync();

        Connect().Dispose();
        _one.Accept();
        bed.SayEcho(null, _one.Port, _two.Port);
        await using AgentProcess next = await AgentProcess.StartAsync(bed.Bed);
        await next.WaitForBackendsAsync([.. new[] { One, Two }.Order(StringComparer.Ordinal)]);

        Assert.Contains("on adopted maps", next.Output, StringComparison.Ordinal);
        Assert.Single((await next.GetAsync("pods")).EnumerateArray());
        JsonElement echo = (await next.GetAsync("debug/intent")).GetProperty("units").EnumerateArray()
            .Single(unit => unit.GetProperty("owner").GetString() == MeshBuilder.KeyOf("echo"));
        Assert.Equal("10.96.0.1:80", echo.GetProperty("frontends")[0].GetString());
        Connect().Dispose();
    }

    [Fact]
    public async Task Without_a_control_plane_it_goes_on_and_enrols_and_follows_it_when_it_is_back()
    {
        bed.SayEcho(null, _one.Port);
        await using (AgentProcess agent = await AgentProcess.StartAsync(bed.Bed))
        {
            await agent.EnrolAsync(bed.Client);
            using HttpResponseMessage gone = await agent.DeletePodAsync(new { pid = bed.Client.PauseProcess });
            Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
            await bed.StopControlPlaneAsync();
            await agent.EnrolAsync(bed.Client);
            Connect().Dispose();
        }

        await using AgentProcess next = await AgentProcess.StartWithoutControlPlaneAsync(bed.Bed);
        await next.EnrolAsync(bed.Client);
        Connect().Dispose();
        Assert.Contains(One, await next.BackendsAsync());

        bed.SayEcho(null, _two.Port);
        await bed.StartControlPlaneAsync();
        await next.WaitForBackendsAsync(Two);
        Connect().Dispose();
        Assert.True(_two.Accept());
    }

    [Fact]
    public async Task A_service_whose_waypoint_has_no_instance_refuses_at_once_and_works_when_there_is_one()
    {
        bed.SayEcho("waypoint", _one.Port);
        await using AgentProcess agent = await AgentProcess.StartAsync(bed.Bed);
        await agent.EnrolAsync(bed.Client);
        Assert.Equal(SocketError.ConnectionRefused, Assert.Throws<SocketException>(() => Connect()).SocketErrorCode);

        using var waypoint = new Listener(bed.Server, 15088);
        bed.Say(
            Wds.Service("echo", AgentBed.Vip.Address.ToString(), 80, 0, "waypoint"),
            Wds.Workload("waypoint", bed.Server.Address4.ToString(), "waypoint"));
        await agent.WaitForBackendsAsync($"{bed.Server.Address4}:15088");
        Connect().Dispose();
        Assert.True(waypoint.Accept());

        JsonElement pod = await agent.EnrolAsync(bed.Server);
        Assert.True(pod.GetProperty("isWaypoint").GetBoolean());
    }

    [Fact]
    public async Task What_cannot_be_enrolled_is_refused_with_the_reason()
    {
        bed.SayEcho(null, _one.Port);
        await using AgentProcess agent = await AgentProcess.StartAsync(bed.Bed);

        await Refused(new { netns = "/proc/0/ns/net" }, "/proc/0/ns/net is no network namespace that can be entered: No such file or directory.");
        await Refused(new { netns = "/etc/hostname" }, "/etc/hostname is no network namespace that can be entered: Invalid argument.");
        await Refused(new { pid = bed.Bed.Node.PauseProcess }, "is the network namespace of the node itself");
        await Refused(new { }, "names neither \"netns\" nor \"pid\"");
        await Refused(new { path = "x" }, "unknown field \"path\"");
        await Refused(new { pid = "x" }, "no JSON object such as");

        async Task Refused(object request, string reason)
        {
            using HttpResponseMessage answer = await agent.PostPodAsync(request);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Contains(reason, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_address_that_is_taken_is_a_failure_with_its_name()
    {
        using var taken = bed.Bed.Node.CreateSocket(AddressFamily.InterNetwork);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 15200));
        taken.Listen();

        ProcessResult result = await bed.Bed.Node.RunAsync(
            Programs.NodeAgent, ["--xds-address=127.0.0.1:15010", $"--cgroup={bed.Bed.Cgroup}", $"--bpffs={bed.Bed.PinDirectory}", "--node=node-1"]);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("127.0.0.1:15200", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_termination_leaves_the_kernel_engine_in_force_and_uninstall_takes_it_out()
    {
        bed.SayEcho(null, _one.Port);
        await using (AgentProcess agent = await AgentProcess.StartAsync(bed.Bed))
        {
            await agent.EnrolAsync(bed.Client);
            await agent.StopAsync();
        }

        Connect().Dispose();
        ProcessResult uninstall = await bed.Bed.Node.RunAsync(Programs.NodeAgent, ["uninstall", "--bpffs", bed.Bed.PinDirectory]);
        Assert.Equal(0, uninstall.ExitCode);
        Assert.Equal(SocketError.NetworkUnreachable, Assert.Throws<SocketException>(() => Connect()).SocketErrorCode);
    }

    public void Dispose()
    {
        _one.Dispose();
        _two.Dispose();
    }

    private Socket Connect()
    {
        Socket socket = bed.Client.CreateSocket(AddressFamily.InterNetwork);
        try
        {
            socket.Connect(AgentBed.Vip);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Something in a pod that takes connections.</summary>
    private sealed class Listener : IDisposable
    {
        private readonly Socket _socket;

        public Listener(Pod pod, int port = 0)
        {
            _socket = pod.CreateSocket(AddressFamily.InterNetwork);
            _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            _socket.Bind(new IPEndPoint(pod.Address4, port));
            _socket.Listen();
        }

        public int Port => ((IPEndPoint)_socket.LocalEndPoint!).Port;

        /// <summary>Whether a connection has arrived.</summary>
        public bool Accept()
        {
            if (!_socket.Poll(TimeSpan.FromSeconds(5), SelectMode.SelectRead))
            {
                return false;
            }

            _socket.Accept().Dispose();
            return true;
        }

        public void Dispose() => _socket.Dispose();
    }
}
