using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Waypoint.TestBed;
using Waypoint.TestBed.Mesh;

namespace Waypoint.NodeAgent.Tests.Hosting;

/// <summary>The agent, from exec to its end.</summary>
internal sealed class AgentProcess : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    private readonly SandboxProcess _process;
    private readonly HttpClient _http;

    private AgentProcess(Bed bed, string[] more, string? kubeconfig = null, string controlPlane = "127.0.0.1:15010")
    {
        _process = bed.Node.Start(
            Programs.NodeAgent,
            ["--xds-address", controlPlane, "--cgroup", bed.Cgroup, "--bpffs", bed.PinDirectory, "--node", "node-1", .. more],
            kubeconfig is null ? null : new Dictionary<string, string> { ["KUBECONFIG"] = kubeconfig });
        _http = bed.Node.CreateHttpClient(TimeSpan.FromSeconds(5));
    }

    public string Output => string.Join('\n', _process.Lines);

    public static async Task<AgentProcess> StartAsync(Bed bed, params string[] more)
    {
        var agent = new AgentProcess(bed, more);
        await agent.WaitAsync(agent.IsReadyAsync, "the agent to be ready");
        return agent;
    }

    /// <summary>Starts it to enrol pods by their labels; it is ready once it has seen them.</summary>
    public static async Task<AgentProcess> StartWithKubernetesAsync(Bed bed, string kubeconfig, bool awaitReady = true)
    {
        var agent = new AgentProcess(bed, ["--kubernetes"], kubeconfig);
        await agent.WaitAsync(
            awaitReady ? agent.IsReadyAsync : async () => await agent.TryGetAsync("healthz/ready") == HttpStatusCode.ServiceUnavailable,
            "the agent to be up");
        return agent;
    }

    /// <summary>Starts it where there is no kube-proxy; it is ready once it serves the cluster's services.</summary>
    public static async Task<AgentProcess> StartInPlaceOfKubeProxyAsync(Bed bed, string kubeconfig, string controlPlane)
    {
        var agent = new AgentProcess(bed, ["--kubernetes", "--replace-kube-proxy"], kubeconfig, controlPlane);
        await agent.WaitAsync(agent.IsReadyAsync, "the agent to be ready");
        return agent;
    }

    public static async Task<AgentProcess> StartWithoutControlPlaneAsync(Bed bed)
    {
        var agent = new AgentProcess(bed, []);
        await agent.WaitAsync(async () => await agent.TryGetAsync("healthz/ready") == HttpStatusCode.ServiceUnavailable, "the agent to wait for the control plane");
        return agent;
    }

    public async Task<JsonElement> EnrolAsync(Pod pod)
    {
        using HttpResponseMessage answer = await PostPodAsync(new { pid = pod.PauseProcess, name = pod.Name });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    public Task<HttpResponseMessage> PostPodAsync(object pod) => _http.PostAsJsonAsync(Admin("pods"), pod);

    public async Task<HttpResponseMessage> DeletePodAsync(object pod)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, Admin("pods")) { Content = JsonContent.Create(pod) };
        return await _http.SendAsync(request);
    }

    public async Task<JsonElement> GetAsync(string path) => await _http.GetFromJsonAsync<JsonElement>(Admin(path));

    /// <summary>Waits until the kernel's maps are what the control plane's newest word means.</summary>
    public Task WaitForBackendsAsync(params string[] backends) => WaitAsync(
        async () => backends.SequenceEqual((await BackendsAsync()).Distinct().Order(StringComparer.Ordinal))
            && (await GetAsync("debug/difference")).GetProperty("differences").GetArrayLength() == 0,
        $"the backends {string.Join(", ", backends)}");

    public async Task<IEnumerable<string>> BackendsAsync() => (await GetAsync("debug/maps")).GetProperty("services").EnumerateArray()
        .SelectMany(service => service.GetProperty("backends").EnumerateArray())
        .Select(backend => backend.GetString()!);

    public async Task<double> MetricAsync(string name, params string[] labels)
    {
        string text = await _http.GetStringAsync(new Uri("http://127.0.0.1:15020/metrics"));
        return text.Split('\n')
            .Where(line => line.StartsWith(name + "{", StringComparison.Ordinal) || line.StartsWith(name + " ", StringComparison.Ordinal))
            .Where(line => labels.All(label => line.Contains(label, StringComparison.Ordinal)))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }

    public async Task WaitAsync(Func<Task<bool>> condition, string what, TimeSpan? atMost = null)
    {
        try
        {
            await Eventually.TrueAsync(condition, atMost ?? Deadline, what);
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message}\n{Output}");
        }
    }

    /// <summary>kill -9.</summary>
    public async ValueTask DisposeAsync() => await _process.DisposeAsync();

    /// <summary>SIGTERM, and waits for the end.</summary>
    public Task StopAsync() => _process.TerminateAsync(Deadline);

    private async Task<bool> IsReadyAsync()
    {
        if (_process.HasExited)
        {
            throw new InvalidOperationException($"The agent ended:\n{Output}");
        }

        return await TryGetAsync("healthz/ready") == HttpStatusCode.OK;
    }

    private async Task<HttpStatusCode?> TryGetAsync(string path)
    {
        try
        {
            using HttpResponseMessage answer = await _http.GetAsync(Admin(path));
            return answer.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private static Uri Admin(string path) => new($"http://127.0.0.1:15200/{path}");
}
