using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Waypoint.TestBed.Mesh;

/// <summary>The node agent's admin endpoint, as a CNI plugin or a person uses it.</summary>
public sealed class AgentAdmin(Node node)
{
    private static readonly TimeSpan ConvergenceDeadline = TimeSpan.FromSeconds(10);
    private static readonly Uri Admin = new("http://127.0.0.1:15200/");
    private static readonly Uri Metrics = new("http://127.0.0.1:15020/metrics");

    private readonly HttpClient _http = node.CreateHttpClient(TimeSpan.FromSeconds(5));

    public async Task EnrolAsync(Pod pod)
    {
        using HttpResponseMessage answer = await _http.PostAsJsonAsync(new Uri(Admin, "pods"), new { netns = pod.NetworkNamespace, name = pod.Name }).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode)
        {
            throw new HttpRequestException($"POST /pods for {pod.Name}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync().ConfigureAwait(false)}");
        }
    }

    public Task<string> GetAsync(string path) => _http.GetStringAsync(new Uri(Admin, path));

    /// <summary>Waits until the maps hold what the intent says.</summary>
    public Task<TimeSpan> WaitForConvergenceAsync() =>
        Eventually.TrueAsync(async () => IsEmpty(await GetAsync("debug/difference").ConfigureAwait(false)), ConvergenceDeadline, "the agent's maps to equal its intent");

    /// <summary>Waits until the kernel's maps hold a backend of that address.</summary>
    public Task<TimeSpan> WaitForBackendAsync(IPAddress address) =>
        Eventually.TrueAsync(async () => (await GetAsync("debug/maps").ConfigureAwait(false)).Contains($"{address}:15088", StringComparison.Ordinal), ConvergenceDeadline, $"{address} in the agent's maps");

    /// <summary>One of the kernel engine's counters, by its name in the map contract.</summary>
    public Task<double> CounterAsync(string name) => MetricAsync("waypoint_kernel_total", $"\"{name}\"");

    /// <summary>The sum of a metric over the series whose labels contain every one of the given texts.</summary>
    public async Task<double> MetricAsync(string name, params string[] labels)
    {
        string text = await _http.GetStringAsync(Metrics).ConfigureAwait(false);
        return text.Split('\n')
            .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] is ' ' or '{')
            .Where(line => labels.All(label => line.Contains(label, StringComparison.Ordinal)))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }

    private static bool IsEmpty(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.ValueKind switch
        {
            JsonValueKind.Array => document.RootElement.GetArrayLength() == 0,
            _ => document.RootElement.EnumerateObject().All(property => property.Value.ValueKind != JsonValueKind.Array || property.Value.GetArrayLength() == 0),
        };
    }
}
