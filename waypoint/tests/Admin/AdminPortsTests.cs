using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Waypoint.Proxy.Tests.Hosting;
using Waypoint.Proxy.Tests.Listening;
using Waypoint.Proxy.Tests.Xds;

namespace Waypoint.Proxy.Tests.Admin;

/// <summary>The admin ports of the whole program. Alone, as metrics are the process's and other tests count in the same ones.</summary>
[Collection(nameof(Alone))]
public sealed class AdminPortsTests : IAsyncLifetime
{
    private static readonly HttpClient Http = new();
    private readonly Backend _backend = new();
    private TestControlPlane _control = null!;
    private RunningWaypoint _waypoint = null!;

    public async Task InitializeAsync()
    {
        _control = await TestControlPlane.StartAsync();
        _waypoint = await RunningWaypoint.StartAsync(_control.Address, RunningWaypoint.Pod(TimeSpan.Zero));
    }

    public async Task DisposeAsync()
    {
        await _waypoint.DisposeAsync();
        await _control.DisposeAsync();
        _backend.Dispose();
    }

    [Fact]
    public async Task Readiness_comes_with_the_first_configuration_and_goes_with_the_drain()
    {
        await using (var lonely = await RunningWaypoint.StartAsync(new Uri($"http://{UndeclaredPortTests.ClosedPort()}"), RunningWaypoint.Pod(TimeSpan.Zero)))
        {
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "INITIALIZING\n"), await GetAsync(lonely.Ready, "/healthz/ready"));
        }

        await ConfigureAsync();
        Assert.Equal((HttpStatusCode.OK, "LIVE\n"), await GetAsync(_waypoint.Ready, "/healthz/ready"));
        Assert.Equal((HttpStatusCode.OK, "LIVE\n"), await GetAsync(_waypoint.Agent, "/healthz/ready"));
        Assert.Equal((HttpStatusCode.OK, "LIVE\n"), await GetAsync(_waypoint.Admin, "/ready"));

        Assert.Equal((HttpStatusCode.OK, "OK\n"), await PostAsync(_waypoint.Agent, "/drain"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "DRAINING\n"), await GetAsync(_waypoint.Ready, "/healthz/ready"));
    }

    [Fact]
    public async Task The_dump_holds_what_the_control_plane_sent_in_Envoys_shape()
    {
        await ConfigureAsync();
        using var dump = await JsonAsync("/config_dump?include_eds");
        var configs = dump.RootElement.GetProperty("configs").EnumerateArray()
            .ToDictionary(c => c.GetProperty("@type").GetString()!["type.googleapis.com/envoy.admin.v3.".Length..]);
        Assert.Equal(
            "waypoint~10.244.0.5~waypoint-1.shop~shop.svc.cluster.local",
            configs["BootstrapConfigDump"].GetProperty("bootstrap").GetProperty("node").GetProperty("id").GetString());
        Assert.Equal(2, configs["ClustersConfigDump"].GetProperty("dynamic_active_clusters").GetArrayLength());
        var listener = Assert.Single(configs["ListenersConfigDump"].GetProperty("dynamic_listeners").EnumerateArray());
        Assert.Equal("main_internal", listener.GetProperty("name").GetString());
        Assert.Contains("HttpConnectionManager", listener.GetProperty("active_state").GetProperty("listener").GetRawText(), StringComparison.Ordinal);
        var endpoints = configs["EndpointsConfigDump"].GetProperty("dynamic_endpoint_configs").GetRawText();
        Assert.Contains($"\"portValue\": {_backend.Address.Port}", endpoints, StringComparison.Ordinal);

        using var without = await JsonAsync("/config_dump");
        Assert.DoesNotContain("EndpointsConfigDump", without.RootElement.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clusters_are_told_in_both_of_Envoys_forms()
    {
        await ConfigureAsync();
        var (_, text) = await GetAsync(_waypoint.Admin, "/clusters");
        Assert.Contains($"inbound-vip|9090|tcp|echo.shop.svc.cluster.local::{_backend.Address}::health_flags::healthy\n", text, StringComparison.Ordinal);
        using var json = await JsonAsync("/clusters?format=json");
        var host = json.RootElement.GetProperty("cluster_statuses")[0].GetProperty("host_statuses")[0];
        Assert.Equal(_backend.Address.Port, host.GetProperty("address").GetProperty("socket_address").GetProperty("port_value").GetInt32());
        Assert.Equal("HEALTHY", host.GetProperty("health_status").GetProperty("eds_health_status").GetString());
    }

    [Fact]
    public async Task The_listener_is_told_with_its_real_address()
    {
        var (_, text) = await GetAsync(_waypoint.Admin, "/listeners");
        Assert.Equal($"redirected::{_waypoint.Address}\n", text);
        using var json = await JsonAsync("/listeners?format=json");
        var address = json.RootElement.GetProperty("listener_statuses")[0].GetProperty("local_address").GetProperty("socket_address");
        Assert.Equal(_waypoint.Address.Port, address.GetProperty("port_value").GetInt32());
    }

    [Fact]
    public async Task The_server_says_what_it_is()
    {
        await ConfigureAsync();
        using var info = await JsonAsync("/server_info");
        Assert.Equal("LIVE", info.RootElement.GetProperty("state").GetString());
        Assert.Equal("waypoint~10.244.0.5~waypoint-1.shop~shop.svc.cluster.local", info.RootElement.GetProperty("node").GetProperty("id").GetString());
    }

    [Fact]
    public async Task Every_metrics_port_counts_a_rejected_connection_by_its_reason()
    {
        using (var stray = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            await stray.ConnectAsync(_waypoint.Address);
            await stray.SendAsync("GET / HTTP/1.1\r\n\r\n");
            Assert.True(await stray.IsResetAsync());
        }

        (IPEndPoint Port, string Path)[] pages =
        [
            (_waypoint.Admin, "/stats/prometheus"), (_waypoint.Agent, "/stats/prometheus"), (_waypoint.Agent, "/metrics"), (_waypoint.Prometheus, "/stats/prometheus"),
        ];
        foreach (var (port, path) in pages)
        {
            var (status, metrics) = await GetAsync(port, path);
            Assert.Equal(HttpStatusCode.OK, status);
            Assert.Matches("\nwaypoint_connections_rejected_total{reason=\"no_destination\"} [1-9]", metrics);
        }

        var (_, plain) = await GetAsync(_waypoint.Admin, "/stats");
        Assert.Matches("\nwaypoint_connections_rejected_total{reason=\"no_destination\"}: [1-9]", plain);
    }

    [Fact]
    public async Task The_log_level_is_shown_and_changed()
    {
        Assert.Equal((HttpStatusCode.OK, "active loggers:\n  waypoint: info\n"), await PostAsync(_waypoint.Admin, "/logging"));
        Assert.Equal((HttpStatusCode.OK, "active loggers:\n  waypoint: error\n"), await PostAsync(_waypoint.Admin, "/logging?level=error"));
        var (status, text) = await PostAsync(_waypoint.Admin, "/logging?level=loud");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("\"loud\"", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/quitquitquit")]
    [InlineData("/drain_listeners")]
    [InlineData("/logging?level=off")]
    public async Task What_changes_something_is_not_done_by_a_GET(string path)
    {
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await GetAsync(_waypoint.Admin, path)).Status);
        Assert.Equal((HttpStatusCode.OK, "active loggers:\n  waypoint: info\n"), await PostAsync(_waypoint.Admin, "/logging"));
        Assert.NotEqual("DRAINING\n", (await GetAsync(_waypoint.Admin, "/ready")).Body);
    }

    [Fact]
    public async Task An_unknown_path_is_answered_with_those_that_there_are()
    {
        var (status, text) = await GetAsync(_waypoint.Admin, "/nothing");
        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.Contains("/config_dump\n", text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(_waypoint.Ready, "/config_dump")).Status);
    }

    [Fact]
    public async Task Routes_that_came_inside_a_listener_are_told_as_Envoy_tells_them()
    {
        await ConfigureAsync();
        using var dump = await JsonAsync("/config_dump");
        var routes = dump.RootElement.GetProperty("configs").EnumerateArray()
            .Single(c => c.GetProperty("@type").GetString()!.EndsWith(".RoutesConfigDump", StringComparison.Ordinal));
        var config = Assert.Single(routes.GetProperty("static_route_configs").EnumerateArray()).GetProperty("route_config");
        Assert.Equal("type.googleapis.com/envoy.config.route.v3.RouteConfiguration", config.GetProperty("@type").GetString());
        Assert.Equal("routes", config.GetProperty("name").GetString());
    }

    [Fact]
    public async Task One_list_of_the_dump_is_told_alone_and_one_that_is_not_there_by_those_that_are()
    {
        await ConfigureAsync();
        using var dump = await JsonAsync("/config_dump?resource=dynamic_listeners");
        var listener = Assert.Single(dump.RootElement.GetProperty("configs").EnumerateArray());
        Assert.Equal("type.googleapis.com/envoy.admin.v3.ListenersConfigDump.DynamicListener", listener.GetProperty("@type").GetString());
        Assert.Equal("main_internal", listener.GetProperty("name").GetString());

        var (status, text) = await GetAsync(_waypoint.Admin, "/config_dump?resource=nothing");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("dynamic_listeners", text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, (await GetAsync(_waypoint.Admin, "/config_dump?name_regex=a")).Status);
    }

    [Fact]
    public async Task A_mask_as_istioctl_sends_it_leaves_other_lists_out()
    {
        await ConfigureAsync();
        using var dump = await JsonAsync("/config_dump?mask=dynamic_listeners,static_listeners");
        var lists = dump.RootElement.GetProperty("configs").EnumerateArray().SelectMany(c => c.EnumerateObject()).Select(f => f.Name).Where(n => n != "@type");
        Assert.Equal(["dynamic_listeners"], lists);
        Assert.Equal("main_internal", dump.RootElement.GetProperty("configs").EnumerateArray().Single(c => c.TryGetProperty("dynamic_listeners", out _))
            .GetProperty("dynamic_listeners")[0].GetProperty("name").GetString());
    }

    [Fact]
    public async Task Stats_are_filtered_and_told_as_json()
    {
        var (_, plain) = await GetAsync(_waypoint.Admin, "/stats?filter=^istio_build");
        Assert.Matches("^istio_build\\{component=\"proxy\",tag=\"[0-9.]+\"\\}: 1\n$", plain);
        using var json = await JsonAsync("/stats?format=json&filter=istio_build");
        var stat = Assert.Single(json.RootElement.GetProperty("stats").EnumerateArray());
        Assert.Equal(1, stat.GetProperty("value").GetInt32());
        await ConfigureAsync();
        (_, plain) = await GetAsync(_waypoint.Admin, "/stats?filter=^envoy_cluster");
        Assert.Contains("envoy_cluster_upstream_cx_active{cluster_name=\"xds-grpc\"}: 1\n", plain, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, (await GetAsync(_waypoint.Admin, "/stats?filter=(")).Status);
    }

    [Fact]
    public async Task The_agents_command_prints_what_the_admin_server_answers()
    {
        var port = $"--debug-port={_waypoint.Admin.Port}";
        using var output = new MemoryStream();
        using var errors = new StringWriter();
        Assert.Equal(0, await Proxy.Hosting.AgentRequest.RunAsync(["GET", "server_info", port], output, errors));
        Assert.Contains("waypoint~10.244.0.5", System.Text.Encoding.UTF8.GetString(output.ToArray()), StringComparison.Ordinal);
        Assert.Equal(1, await Proxy.Hosting.AgentRequest.RunAsync(["GET", "/nothing", port], output, errors));
        Assert.Equal(2, await Proxy.Hosting.AgentRequest.RunAsync(["GET"], output, errors));
        Assert.Contains("usage:", errors.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, await Proxy.Hosting.AgentRequest.RunAsync(["GET", "/", "--debug-port", $"{UndeclaredPortTests.ClosedPort().Port}"], output, errors));
    }

    [Fact]
    public async Task Memory_and_help_are_there()
    {
        using var memory = await JsonAsync("/memory");
        Assert.True(long.Parse(memory.RootElement.GetProperty("total_physical_bytes").GetString()!) > 0);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(_waypoint.Admin, "/help")).Status);
    }

    [Fact]
    public async Task Drained_listeners_take_no_new_connection()
    {
        await PostAsync(_waypoint.Admin, "/drain_listeners");
        using var late = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await Assert.ThrowsAsync<SocketException>(() => late.ConnectAsync(_waypoint.Address));
    }

    [Fact]
    public async Task Quit_ends_the_program()
    {
        Assert.Equal((HttpStatusCode.OK, "OK\n"), await PostAsync(_waypoint.Admin, "/quitquitquit"));
        await _waypoint.WaitForShutdownAsync().WaitAsync(SocketExtensions.Patience);
    }

    private static async Task<(HttpStatusCode Status, string Body)> GetAsync(IPEndPoint port, string path)
    {
        using var response = await Http.GetAsync(new Uri($"http://{port}{path}"));
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private static async Task<(HttpStatusCode Status, string Body)> PostAsync(IPEndPoint port, string path)
    {
        using var response = await Http.PostAsync(new Uri($"http://{port}{path}"), null);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private async Task<JsonDocument> JsonAsync(string path)
    {
        var (status, body) = await GetAsync(_waypoint.Admin, path);
        Assert.Equal(HttpStatusCode.OK, status);
        return JsonDocument.Parse(body);
    }

    private async Task ConfigureAsync()
    {
        RunningWaypoint.Publish(_control, _backend.Address, _backend.Address);
        await SocketExtensions.UntilAsync(async () =>
            (await GetAsync(_waypoint.Admin, "/config_dump")).Body.Contains("main_internal", StringComparison.Ordinal)
            && (await GetAsync(_waypoint.Admin, "/clusters")).Body.Contains("::health_flags::healthy", StringComparison.Ordinal));
        Assert.True(_waypoint.IsReady);
    }
}
