using Waypoint.TestBed;
using Waypoint.TestBed.Mesh;
using Xunit.Abstractions;

namespace Waypoint.Mesh.Tests.ForeignClients;

/// <summary>Clients that Debian does not have: Istio's echo, k6, ghz, grpcurl and h2spec, where someone has provided them.</summary>
[Collection(WholeMesh.Name)]
[Trait("Needs", "shared")]
public sealed class SharedClientTests(DemoMesh demo, ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private SandboxProcess? _server;

    public async Task InitializeAsync()
    {
        _server = demo.Mesh["foreign"].Start("istio-echo-server",
            ["--port=8080", "--grpc=7070", "--tcp=9090", "--tcp=9091", "--server-first=9091", "--version=v9"]);
        await Eventually.TrueAsync(
            async () => (await demo.Stranger.RunAsync("curl", ["--silent", $"http://{demo.Mesh["foreign"].Address4}:8080/"])).ExitCode == 0, Deadline, "Istio's echo server");
    }

    public async Task DisposeAsync() => await _server!.DisposeAsync();

    [Theory]
    [InlineData("http://foreign.shop")]
    [InlineData("http://foreign.shop", "--http2")]
    [InlineData("ws://foreign.shop")]
    [InlineData("grpc://foreign.shop:7070")]
    [InlineData("tcp://foreign.shop:9090")]
    [InlineData("tcp://foreign.shop:9091", "--server-first")]
    public async Task Istios_echo_client_is_answered(string url, params string[] arguments)
    {
        ProcessResult client = await demo.Client.RunAsync("istio-echo-client", ["--count=20", .. arguments, url], Deadline);

        Assert.True(client.ExitCode == 0, client.Output + client.Error);
        Assert.Equal(20, client.Output.Split("StatusCode=200").Length - 1);
    }

    [Fact]
    public async Task K6_sees_no_failure_and_the_canarys_share()
    {
        ProcessResult k6 = await demo.Client.RunAsync("k6",
            ["run", "--quiet", "--no-usage-report", "-e", "TARGET=http://echo.shop", "-e", "RATE=200", Path.Combine(Programs.RepositoryRoot, "loadtest", "canary.js")], TimeSpan.FromMinutes(2));

        output.WriteLine(k6.Output);
        Assert.True(k6.ExitCode == 0, k6.Output + k6.Error);
    }

    [Fact]
    public async Task Ghz_gets_every_answer()
    {
        ProcessResult ghz = await demo.Client.RunAsync("ghz",
            ["--insecure", "--proto", EchoProto, "--call", "waypoint.echo.Echo/Unary", "--data", """{"text":"hi"}""", "--total=2000", "--concurrency=10", "echo.shop:7070"], Deadline);

        output.WriteLine(ghz.Output);
        Assert.Matches(@"\[OK\]\s+2000 responses", ghz.Output);
    }

    [Fact]
    public async Task Grpcurl_reads_a_stream()
    {
        ProcessResult grpcurl = await demo.Client.RunAsync("grpcurl",
            ["-plaintext", "-import-path", Path.GetDirectoryName(EchoProto)!, "-proto", "echo.proto", "-d", """{"text":"hi"}""", "echo.shop:7070", "waypoint.echo.Echo/ServerStream"], Deadline);

        Assert.True(grpcurl.ExitCode == 0, grpcurl.Error);
        Assert.Equal(5, grpcurl.Output.Split("v1 hi").Length - 1);
    }

    private static string EchoProto => Path.Combine(Programs.RepositoryRoot, "tests", "echo", "Grpc", "echo.proto");
}
