using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.GatewayApi.Serving;
using Waypoint.GatewayApi.Sources.Folder;
using Waypoint.GatewayApi.Translation;
using Waypoint.Xds.Metrics;

namespace Waypoint.GatewayApi.Tests.Serving;

[Collection(nameof(Alone))]
public sealed class AdminEndpointsTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TestFolder _folder = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly PrometheusExporter _metrics = new();
    private ControlPlane _controlPlane = null!;
    private WebApplication _web = null!;
    private HttpClient _client = null!;
    private Task _loop = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _folder.Write("shop.yaml", TestMesh.Shop);
        _folder.Write("route.yaml", TestMesh.HttpRoute("- backendRefs: [{name: nosuch, port: 80}]"));
        _folder.Write("bad.yaml", "kind: [");
        _controlPlane = new ControlPlane(new FolderSource(_folder.Root, NullLogger.Instance), new MeshSettings(), NullLoggerFactory.Instance);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Logging.ClearProviders();
        _web = builder.Build();
        AdminEndpoints.Map(_web, _controlPlane, _metrics);
        await _web.StartAsync();
        _client = new HttpClient { BaseAddress = new Uri(_web.Urls.Single()) };
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop.WaitAsync(Patience);
        _client.Dispose();
        await _web.DisposeAsync();
        _controlPlane.Dispose();
        _metrics.Dispose();
        _stop.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task It_is_ready_when_the_source_has_been_served_and_not_before()
    {
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _client.GetAsync("/ready")).StatusCode);

        await StartAsync();

        Assert.Equal(HttpStatusCode.OK, (await _client.GetAsync("/ready")).StatusCode);
    }

    [Fact]
    public async Task The_status_tells_what_is_wrong_with_files_and_with_routes()
    {
        await StartAsync();
        using JsonDocument status = JsonDocument.Parse(await _client.GetStringAsync("/debug/status"));

        JsonElement problem = status.RootElement.GetProperty("source")[0];
        Assert.Equal(_folder.PathOf("bad.yaml"), problem.GetProperty("file").GetString());
        Assert.Equal("Error", problem.GetProperty("severity").GetString());
        JsonElement conditions = status.RootElement.GetProperty("routes")[0].GetProperty("parents")[0].GetProperty("conditions");
        Assert.Equal("True", conditions[0].GetProperty("status").GetString());
        Assert.Equal("BackendNotFound", conditions[1].GetProperty("reason").GetString());
    }

    [Fact]
    public async Task The_resources_are_shown_with_everything_inside_them()
    {
        await StartAsync();
        using JsonDocument resources = JsonDocument.Parse(await _client.GetStringAsync("/debug/resources?scope=waypoint%20shop/waypoint&type=Listener&name=main_internal"));
        JsonElement listener = resources.RootElement.GetProperty("waypoint shop/waypoint").GetProperty("type.googleapis.com/envoy.config.listener.v3.Listener")[0];

        Assert.Equal("main_internal", listener.GetProperty("name").GetString());
        Assert.Contains("routeConfig", listener.GetProperty("resource").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_metrics_count_what_was_translated_and_what_is_wrong()
    {
        await StartAsync();
        string text = await _client.GetStringAsync("/metrics");

        Assert.Contains("waypoint_control_plane_source_errors 1", text, StringComparison.Ordinal);
        Assert.Contains("waypoint_control_plane_translations_total{kind=\"chain\"}", text, StringComparison.Ordinal);
        Assert.Contains("waypoint_control_plane_batch_milliseconds_count", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_is_connected_at_first()
    {
        await StartAsync();

        Assert.Equal("[]", (await _client.GetStringAsync("/debug/clients")).Trim());
    }

    private async Task StartAsync()
    {
        _loop = _controlPlane.RunAsync(_stop.Token);
        await _controlPlane.Ready.WaitAsync(Patience);
    }
}

/// <summary>Other control planes of the process would be in its metrics too.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
