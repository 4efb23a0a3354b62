using System.Text.Json;
using Waypoint.TestBed;

namespace Waypoint.Mesh.Tests.ForeignClients;

/// <summary>Clients from Debian's packages, which share no code with ours.</summary>
[Collection(WholeMesh.Name)]
public sealed class DebianClientTests(DemoMesh demo)
{
    [Theory]
    [InlineData("--http1.1", "200 1.1")]
    [InlineData("--http2-prior-knowledge", "200 2")]
    public async Task Curl_speaks_both_versions_to_one_port(string version, string expected)
    {
        ProcessResult curl = await demo.Client.RunAsync("curl",
            ["--silent", "--show-error", "--max-time", "10", version, "--write-out", "%{http_code} %{http_version}", "--output", "/dev/null", "http://echo.shop/"]);

        Assert.Equal(expected, curl.Output + curl.Error);
    }

    [Fact]
    public async Task H2load_gets_every_answer()
    {
        ProcessResult h2load = await demo.Client.RunAsync("h2load", ["--requests=2000", "--clients=4", "--max-concurrent-streams=10", "http://echo.shop/"]);

        Assert.Contains("status codes: 2000 2xx, 0 3xx, 0 4xx, 0 5xx", h2load.Output, StringComparison.Ordinal);
        Assert.Contains(" 0 failed, 0 errored, 0 timeout", h2load.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Grpc_calls_streams_and_statuses_pass()
    {
        ProcessResult python = await demo.Client.RunPythonAsync("grpc_echo.py", "echo.shop:7070");
        Assert.Equal((0, ""), (python.ExitCode, python.Error));
        JsonElement answer = JsonDocument.Parse(python.Output).RootElement;

        Assert.Equal("v1 hello", answer.GetProperty("unary").GetString());
        Assert.Equal("v2 hello", answer.GetProperty("canary").GetString());
        Assert.Equal(5, answer.GetProperty("serverStream").GetArrayLength());
        Assert.Equal(3, answer.GetProperty("bidiStream").GetArrayLength());
        Assert.Equal("FAILED_PRECONDITION", answer.GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_websocket_echoes_messages_of_any_size()
    {
        ProcessResult python = await demo.Client.RunPythonAsync("websocket_echo.py", "ws://echo.shop/socket");

        Assert.Equal("3 one\n3 two\n70000 xxxxxxxx", python.Output + python.Error);
    }

    [Fact]
    public async Task MariaDb_logs_in_and_answers()
    {
        await demo.Mesh.Container("database").WaitForLineAsync(line => line.Contains("ready for connections", StringComparison.Ordinal), TimeSpan.FromSeconds(20));

        ProcessResult client = await demo.Client.RunAsync("mariadb",
            ["--no-defaults", "--host=database.shop", "--user=root", "--skip-column-names", "--batch", "--execute=select 6 * 7"]);

        Assert.Equal("42", client.Output + client.Error);
    }
}
