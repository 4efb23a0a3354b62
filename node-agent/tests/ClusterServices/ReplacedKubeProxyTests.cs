using System.Net;
using System.Net.Sockets;
using Waypoint.NodeAgent.Tests.Hosting;
using Waypoint.NodeAgent.Tests.Kubernetes;
using Waypoint.NodeAgent.Tests.Workloads;
using Waypoint.TestBed;

namespace Waypoint.NodeAgent.Tests.ClusterServices;

/// <summary>The agent as a process on a node without a kube-proxy: an API server, pods of which none is enrolled, and at first no mesh.</summary>
public sealed class ReplacedKubeProxyTests(AgentBed bed) : IClassFixture<AgentBed>, IAsyncLifetime
{
    private const string ControlPlane = "control.system.svc.cluster.local:15010";
    private static readonly IPEndPoint ApiAddress = new(IPAddress.Loopback, 16443);

    private readonly Socket _listener = bed.Server.CreateSocket(AddressFamily.InterNetwork);
    private ApiServer _api = null!;
    private string _kubeconfig = "";

    private int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public async Task InitializeAsync()
    {
        await bed.StopControlPlaneAsync();
        _listener.Bind(new IPEndPoint(bed.Server.Address4, 0));
        _listener.Listen();
        _api = await bed.Bed.Node.Run(() => ApiServer.StartAsync(ApiAddress));
        _api.Put("services/shop/echo", Manifest.Service("shop", "echo", $"{AgentBed.Vip.Address}", ("dns", "UDP", 53), ("http", "TCP", AgentBed.Vip.Port)));
        PutEndpoints(bed.Server.Address4.ToString());
        _kubeconfig = await _api.WriteKubeconfigAsync(bed.Bed.ScratchDirectory);
    }

    public async Task DisposeAsync()
    {
        await _api.DisposeAsync();
        _listener.Dispose();
        await bed.Bed.Node.RunAsync(TestBed.Mesh.Programs.NodeAgent, ["uninstall", "--bpffs", bed.Bed.PinDirectory]);
    }

    [Fact]
    public async Task Every_process_reaches_a_cluster_address_before_there_is_a_mesh_and_endpoints_are_followed()
    {
        Assert.Equal(SocketError.NetworkUnreachable, Dial(bed.Client));
        await using AgentProcess agent = await AgentProcess.StartInPlaceOfKubeProxyAsync(bed.Bed, _kubeconfig, ControlPlane);

        Assert.Equal((SocketError.Success, SocketError.Success), (Dial(bed.Client), Dial(bed.Bed.Node)));
        Assert.Equal(1, await agent.MetricAsync("waypoint_unsupported_service_features", "feature=\"spec.ports[].protocol=UDP\""));
        Assert.Contains("service shop/echo: spec.ports[].protocol=UDP is not supported: is not served", agent.Output, StringComparison.Ordinal);
        Assert.Contains("UDP is not", agent.Output, StringComparison.Ordinal);

        PutEndpoints();
        await agent.WaitAsync(() => Task.FromResult(Dial(bed.Client) == SocketError.HostUnreachable), "connections to be refused");
        PutEndpoints(bed.Server.Address4.ToString());
        await agent.WaitAsync(() => Task.FromResult(Dial(bed.Client) == SocketError.Success), "the endpoint to be back");
        _api.Delete("services/shop/echo");
        await agent.WaitAsync(() => Task.FromResult(Dial(bed.Client) == SocketError.NetworkUnreachable), "the service to be gone");
    }

    [Fact]
    public async Task The_control_plane_is_reached_at_its_endpoints_and_a_restarted_agent_loses_nothing()
    {
        bed.SayEcho("waypoint", Port);
        await bed.StartControlPlaneAsync();
        await using (AgentProcess agent = await AgentProcess.StartInPlaceOfKubeProxyAsync(bed.Bed, _kubeconfig, ControlPlane))
        {
            await agent.WaitAsync(() => Task.FromResult(agent.Output.Contains("knows no endpoint of it", StringComparison.Ordinal)), "an attempt to find it");

            // A cluster address that leads nowhere yet, as after all instances of the control plane were replaced.
            _api.Put("services/system/control", Manifest.Service("system", "control", "10.96.0.99", ("grpc", "TCP", 15010)));
            _api.Put("endpointslices/system/control-1", Manifest.EndpointSlice("system", "control", "grpc", 15010, "127.0.0.1"));
            await agent.WaitAsync(async () => (await WaypointsAsync(agent)).Contains(MeshBuilder.KeyOf("waypoint")), "the mesh's word", TimeSpan.FromSeconds(40));
            Assert.Equal(SocketError.Success, Dial(bed.Client));
        }

        await bed.StopControlPlaneAsync();
        Assert.Equal(SocketError.Success, Dial(bed.Client));
        await using (AgentProcess next = await AgentProcess.StartInPlaceOfKubeProxyAsync(bed.Bed, _kubeconfig, ControlPlane))
        {
            Assert.Equal(SocketError.Success, Dial(bed.Client));
            Assert.Contains(
                (await next.GetAsync("debug/maps")).GetProperty("services").EnumerateArray(), service => service.GetProperty("waypoint").GetInt32() != 0);
        }

        // Started again without the flag, it leaves to a kube-proxy what is a kube-proxy's.
        await bed.StartControlPlaneAsync();
        await using AgentProcess last = await AgentProcess.StartWithKubernetesAsync(bed.Bed, _kubeconfig);
        Assert.Equal(SocketError.NetworkUnreachable, Dial(bed.Client));
    }

    private void PutEndpoints(params string[] addresses) =>
        _api.Put("endpointslices/shop/echo-1", Manifest.EndpointSlice("shop", "echo", "http", Port, addresses));

    private static async Task<IEnumerable<string?>> WaypointsAsync(AgentProcess agent) =>
        (await agent.GetAsync("debug/intent")).GetProperty("units").EnumerateArray()
        .Where(unit => unit.GetProperty("kind").GetString() == "Waypoint")
        .Select(unit => unit.GetProperty("owner").GetString());

    private static SocketError Dial(Sandbox from)
    {
        using Socket socket = from.CreateSocket(AddressFamily.InterNetwork);
        try
        {
            socket.Connect(AgentBed.Vip);
            return SocketError.Success;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode;
        }
    }
}
