using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Waypoint.Cluster.Tests.Clients;

/// <summary>A Prometheus of Debian's, on the node, that scrapes one waypoint every three seconds.</summary>
internal sealed class Prometheus : IAsyncDisposable
{
    private const int Port = 19090;
    private readonly Process _process;
    private readonly string _folder;
    private readonly HttpClient _http = new() { BaseAddress = new Uri($"http://127.0.0.1:{Port}") };

    private Prometheus(Process process, string folder) => (_process, _folder) = (process, folder);

    public static async Task<Prometheus> StartAsync(string target)
    {
        var folder = Directory.CreateTempSubdirectory("prometheus").FullName;
        var config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(
            config,
            $"{{global: {{scrape_interval: 3s}}, scrape_configs: [{{job_name: waypoint, metrics_path: /stats/prometheus, static_configs: [{{targets: [\"{target}\"]}}]}}]}}");
        var process = Process.Start(new ProcessStartInfo(
            Environment.GetEnvironmentVariable("PROMETHEUS") ?? "prometheus",
            [$"--config.file={config}", $"--storage.tsdb.path={folder}/data", $"--web.listen-address=127.0.0.1:{Port}", "--log.level=error"]))!;
        var prometheus = new Prometheus(process, folder);
        try
        {
            await Eventually.TrueAsync(async () => (await prometheus.QueryAsync("up == 1")).Count == 1, TimeSpan.FromSeconds(30), "the first scrape");
            return prometheus;
        }
        catch
        {
            await prometheus.DisposeAsync();
            throw;
        }
    }

    /// <summary>The series that a query gives now.</summary>
    public async Task<IReadOnlyList<Series>> QueryAsync(string query)
    {
        try
        {
            var answer = await _http.GetFromJsonAsync<JsonNode>($"/api/v1/query?query={Uri.EscapeDataString(query)}");
            return
            [
                .. from series in answer!["data"]!["result"]!.AsArray()
                   select new Series(
                       series["metric"]!.AsObject().ToDictionary(l => l.Key, l => (string)l.Value!),
                       double.Parse((string)series["value"]![1]!, CultureInfo.InvariantCulture)),
            ];
        }
        catch (HttpRequestException)
        {
            return [];
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>One series of an answer.</summary>
internal sealed record Series(IReadOnlyDictionary<string, string> Labels, double Value);
