using Waypoint.TestBed;
using Waypoint.TestBed.Mesh;
using Waypoint.TestBed.Traffic;
using Xunit.Abstractions;

namespace Waypoint.Mesh.Tests.Beds;

/// <summary>The tools that the whole-mesh tests trust, against a backend without any mesh.</summary>
public sealed class TrafficTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_steady_load_sees_no_failure_where_there_is_none_and_every_failure_where_there_is_one()
    {
        await using Bed bed = await Bed.StartAsync();
        Pod client = await bed.AddPodAsync("client");
        Pod server = await bed.AddPodAsync("server");
        SandboxProcess echo = server.Start(Programs.Echo, ["--http", "8080"]);
        await echo.WaitForLineAsync(line => line == "ready", Deadline);

        await using SteadyLoad load = SteadyLoad.Start(client, server.Address4.ToString(), 8080, SteadyLoadOptions.Default);
        await load.WaitForMoreAsync(500, Deadline);
        Assert.Empty(load.Failures);

        await echo.KillAsync();
        await load.WaitForMoreAsync(100, Deadline);
        await load.StopAsync();
        output.WriteLine($"{load.NewConnections} on new connections, {load.OpenRequests} on open ones, {load.Failures.Count} failures");
        Assert.True(load.Failures.Count >= 100, $"only {load.Failures.Count} failures");
    }

    [Fact]
    public async Task The_raw_backend_answers_with_the_bytes_it_received()
    {
        await using Bed bed = await Bed.StartAsync();
        Pod client = await bed.AddPodAsync("client");
        Pod server = await bed.AddPodAsync("server");
        SandboxProcess echo = server.Start(Programs.Echo, ["--raw", "8081"]);
        await echo.WaitForLineAsync(line => line == "ready", Deadline);

        const string Request = "PUT /a%2Fb/../c HTTP/1.1\r\nhOsT: x\r\nX-Empty:\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n";
        HttpAnswer answer = await HttpConnection.OnceAsync(client, server.Address4.ToString(), 8081, Request);

        Assert.Equal(Request, answer.Text);
    }

    [Theory]
    [InlineData(2000, 0.9, 1733, 1867)]
    [InlineData(100, 1.0, 100, 100)]
    public void Binomial_bounds_are_five_deviations_wide(int trials, double share, int low, int high) =>
        Assert.Equal(new BinomialBounds(low, high), BinomialBounds.Of(trials, share));
}
