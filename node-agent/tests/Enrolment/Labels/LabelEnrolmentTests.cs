using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Waypoint.NodeAgent.Enrolment.Labels;
using Waypoint.NodeAgent.Tests.Hosting;
using Waypoint.NodeAgent.Tests.Kubernetes;
using Waypoint.TestBed;

namespace Waypoint.NodeAgent.Tests.Enrolment.Labels;

/// <summary>
/// The agent as a process, real pods in cgroups such as a kubelet makes, and an API server that says what they are. The bed is its own, as
/// pods stay enrolled from test to test.
/// </summary>
public sealed class LabelEnrolmentTests(AgentBed bed) : IClassFixture<AgentBed>, IAsyncLifetime
{
    private const string Uid = "675416cb-e20f-40b2-815f-7119508e13d7";
    private static readonly IPEndPoint ApiAddress = new(IPAddress.Loopback, 16443);

    private readonly Socket _listener = bed.Server.CreateSocket(AddressFamily.InterNetwork);
    private ApiServer _api = null!;
    private string _kubeconfig = "";

    public async Task InitializeAsync()
    {
        _listener.Bind(new IPEndPoint(bed.Server.Address4, 0));
        _listener.Listen();
        bed.SayEcho(null, ((IPEndPoint)_listener.LocalEndPoint!).Port);
        string cgroup = Path.Combine(bed.Bed.Cgroup, "kubepods", "besteffort", $"pod{Uid}", "pause");
        Directory.CreateDirectory(cgroup);
        await File.WriteAllTextAsync(Path.Combine(cgroup, "cgroup.procs"), $"{bed.Client.PauseProcess}");

        await StartApiAsync();
        _kubeconfig = await _api.WriteKubeconfigAsync(bed.Bed.ScratchDirectory);
    }

    public async Task DisposeAsync()
    {
        await _api.DisposeAsync();
        _listener.Dispose();
    }

    [Fact]
    public async Task A_pod_is_in_the_mesh_as_long_as_its_namespace_or_it_says_so()
    {
        await using AgentProcess agent = await AgentProcess.StartWithKubernetesAsync(bed.Bed, _kubeconfig);
        await EnrolledAsync(agent);
        Assert.InRange(await agent.MetricAsync("waypoint_enrolled_pods"), 1, int.MaxValue);

        _api.Put("namespaces/shop", Manifest.Namespace("shop", null));
        await LeftOutAsync(agent, "NotInMesh");

        PutPod("ambient");
        await EnrolledAsync(agent);
        PutPod("none");
        await LeftOutAsync(agent, "OptedOut");

        PutPod("ambient");
        await EnrolledAsync(agent);
        PutPod("ambient", phase: "Succeeded");
        await agent.WaitAsync(async () => !IsReached() && await ReasonAsync(agent, "client") == "Ended", "the ended pod to be left");
    }

    [Fact]
    public async Task A_restarted_agent_un_enrols_nothing_before_it_has_seen_the_pods_and_then_what_has_left()
    {
        AgentProcess agent = await AgentProcess.StartWithKubernetesAsync(bed.Bed, _kubeconfig);
        await EnrolledAsync(agent);
        await agent.DisposeAsync();
        Assert.True(IsReached());

        // The API server is gone meanwhile, then says no.
        await _api.DisposeAsync();
        await using AgentProcess next = await AgentProcess.StartWithKubernetesAsync(bed.Bed, _kubeconfig, awaitReady: false);
        await next.WaitAsync(() => Task.FromResult(next.Output.Contains("the watch of pods broke off", StringComparison.Ordinal)), "an attempt to list");
        Assert.True(IsReached());

        JsonObject before = _api.Get("pods/shop/client");
        await StartApiAsync(labelled: false);
        before["metadata"]!["labels"] = new JsonObject();
        _api.Put("pods/shop/client", before);
        await LeftOutAsync(next, "NotInMesh");
    }

    [Fact]
    public async Task Pods_say_nothing_as_long_as_the_labels_of_their_namespaces_are_not_known()
    {
        await using (AgentProcess agent = await AgentProcess.StartWithKubernetesAsync(bed.Bed, _kubeconfig))
        {
            await EnrolledAsync(agent);
        }

        _api.Withholds = "namespaces";
        int before = _api.Requests.Count;
        await using AgentProcess next = await AgentProcess.StartWithKubernetesAsync(bed.Bed, _kubeconfig, awaitReady: false);
        await next.WaitAsync(
            () => Task.FromResult(_api.Requests.Skip(before).Any(request => request.StartsWith("GET /api/v1/pods?watch=true", StringComparison.Ordinal))
                && _api.Requests.Skip(before).Count(request => request.StartsWith("GET /api/v1/namespaces?", StringComparison.Ordinal)) > 2),
            "the pods to be listed and the namespaces not to be");
        Assert.True(IsReached());
        Assert.Equal(PodAnnotator.Enabled, Annotation());

        _api.Withholds = null;
        await next.WaitAsync(async () => await ReasonAsync(next, "client") is null, "the pod to be enrolled still");
    }

    [Fact]
    public async Task What_was_enrolled_and_is_no_pod_of_the_list_is_given_time_to_appear_in_it()
    {
        await using (AgentProcess agent = await AgentProcess.StartWithKubernetesAsync(bed.Bed, _kubeconfig))
        {
            await EnrolledAsync(agent);
            await agent.StopAsync();
        }

        JsonObject pod = _api.Get("pods/shop/client");
        _api.Delete("pods/shop/client");
        await using (AgentProcess next = await AgentProcess.StartWithKubernetesAsync(bed.Bed, _kubeconfig))
        {
            Assert.True(IsReached());
            _api.Put("pods/shop/client", pod);
            await EnrolledAsync(next);
        }

        _api.Delete("pods/shop/client");
        await using AgentProcess last = await AgentProcess.StartWithKubernetesAsync(bed.Bed, _kubeconfig);
        await last.WaitAsync(() => Task.FromResult(!IsReached()), "the pod that is gone to be left", TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_pod_whose_processes_are_not_there_yet_is_enrolled_once_they_are()
    {
        await using AgentProcess agent = await AgentProcess.StartWithKubernetesAsync(bed.Bed, _kubeconfig);
        await EnrolledAsync(agent);

        Pod late = await bed.Bed.AddPodAsync("late");
        const string LateUid = "11111111-e20f-40b2-815f-7119508e13d7";
        _api.Put("pods/shop/late", Manifest.Pod("shop", "late", LateUid, "Running", null, late.Address4.ToString()));
        await agent.WaitAsync(async () => await agent.MetricAsync("waypoint_enrolment_errors_total", "reason=\"no_process\"") > 0, "an attempt");
        JsonElement pending = (await PodAsync(agent, "late"))!.Value;
        Assert.Equal(("Failed", "shop/late: no process of it was found below the node's cgroup"),
            (pending.GetProperty("notEnrolled").GetString(), pending.GetProperty("error").GetString()));

        string cgroup = Path.Combine(bed.Bed.Cgroup, "kubepods", $"pod{LateUid}");
        Directory.CreateDirectory(cgroup);
        await File.WriteAllTextAsync(Path.Combine(cgroup, "cgroup.procs"), $"{late.PauseProcess}");
        await agent.WaitAsync(async () => await ReasonAsync(agent, "late") is null, "the pod to be enrolled");

        _api.Delete("pods/shop/late");
        await agent.WaitAsync(async () => await PodAsync(agent, "late") is null, "the deleted pod to be left");
    }

    [Fact]
    public async Task A_pod_is_enrolled_as_soon_as_its_sandbox_is_there_long_before_the_api_knows_its_address()
    {
        const string StartingUid = "22222222-e20f-40b2-815f-7119508e13d7";
        await using AgentProcess agent = await AgentProcess.StartWithKubernetesAsync(bed.Bed, _kubeconfig);
        await EnrolledAsync(agent);
        Pod starting = await bed.Bed.AddPodAsync("starting");
        _api.Put("pods/shop/starting", Manifest.Pod("shop", "starting", StartingUid, "Pending"));
        await agent.WaitAsync(async () => await ReasonAsync(agent, "starting") == "Starting", "the pod to be seen");

        string cgroup = Path.Combine(bed.Bed.Cgroup, "kubepods", "burstable", $"pod{StartingUid}", "pause");
        Directory.CreateDirectory(cgroup);
        await File.WriteAllTextAsync(Path.Combine(cgroup, "cgroup.procs"), $"{starting.PauseProcess}");
        await agent.WaitAsync(async () => await ReasonAsync(agent, "starting") is null, "the pod to be enrolled");

        // What the API says later is what counts.
        _api.Put("pods/shop/starting", Manifest.Pod("shop", "starting", StartingUid, "Running", null, "10.9.9.9"));
        await agent.WaitAsync(async () => await agent.MetricAsync("waypoint_enrolment_errors_total", "reason=\"no_address\"") > 0, "the address to be found wanting");
        _api.Delete("pods/shop/starting");
    }

    [Fact]
    public async Task Where_labels_decide_nobody_enrols_by_hand()
    {
        await using AgentProcess agent = await AgentProcess.StartWithKubernetesAsync(bed.Bed, _kubeconfig);
        using HttpResponseMessage answer = await agent.PostPodAsync(new { pid = bed.Server.PauseProcess });
        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
    }

    private async Task StartApiAsync(bool labelled = true)
    {
        _api = await bed.Bed.Node.Run(() => ApiServer.StartAsync(ApiAddress));
        _api.Put("namespaces/shop", Manifest.Namespace("shop", labelled ? "ambient" : null));
        PutPod(null);
    }

    private void PutPod(string? dataplaneMode, string phase = "Running")
    {
        JsonObject pod = Manifest.Pod("shop", "client", Uid, phase, dataplaneMode, bed.Client.Address4.ToString(), bed.Client.Address6.ToString());
        pod["metadata"]!["annotations"] = new JsonObject { [PodAnnotator.Redirection] = Annotation() };
        _api.Put("pods/shop/client", pod);
    }

    private string? Annotation()
    {
        try
        {
            return (string?)_api.Get("pods/shop/client")["metadata"]!["annotations"]?[PodAnnotator.Redirection];
        }
        catch (KeyNotFoundException)
        {
            return null;
        }
    }

    private Task EnrolledAsync(AgentProcess agent) =>
        agent.WaitAsync(() => Task.FromResult(Annotation() == PodAnnotator.Enabled && IsReached()), "the pod to be enrolled and annotated");

    private Task LeftOutAsync(AgentProcess agent, string reason) => agent.WaitAsync(
        async () => Annotation() is null && !IsReached() && await ReasonAsync(agent, "client") == reason,
        $"the pod to be left out as {reason}");

    /// <summary>Why a pod is not enrolled; null when it is.</summary>
    private static async Task<string?> ReasonAsync(AgentProcess agent, string pod) => await PodAsync(agent, pod) is not { } known ? "unknown"
        : known.TryGetProperty("notEnrolled", out JsonElement reason) ? reason.GetString()
        : null;

    private static async Task<JsonElement?> PodAsync(AgentProcess agent, string pod) => (await agent.GetAsync("pods")).EnumerateArray()
        .Where(known => known.TryGetProperty("name", out JsonElement name) && name.GetString() == $"shop/{pod}")
        .Cast<JsonElement?>()
        .FirstOrDefault();

    /// <summary>Whether the pod reaches a service's address, which only the kernel engine can lead anywhere.</summary>
    private bool IsReached()
    {
        using Socket socket = bed.Client.CreateSocket(AddressFamily.InterNetwork);
        try
        {
            socket.Connect(AgentBed.Vip);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
