using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Waypoint.TestBed;
using Xunit.Abstractions;

namespace Waypoint.Mesh.Tests.Beds;

/// <summary>The bed itself: fast, closed to the outside, and gone afterwards.</summary>
public sealed class BedTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_bed_with_four_pods_is_up_in_under_a_second()
    {
        long start = Stopwatch.GetTimestamp();
        await using Bed bed = await Bed.StartAsync();
        foreach (string name in new[] { "a", "b", "c", "d" })
        {
            await bed.AddPodAsync(name);
        }
        TimeSpan up = Stopwatch.GetElapsedTime(start);
        output.WriteLine($"up in {up.TotalMilliseconds:0} ms");
        Assert.True(up < TimeSpan.FromSeconds(1), $"took {up.TotalMilliseconds:0} ms");
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task Pods_reach_each_other(AddressFamily family)
    {
        await using Bed bed = await Bed.StartAsync();
        Pod client = await bed.AddPodAsync("client");
        Pod server = await bed.AddPodAsync("server");
        IPAddress address = family == AddressFamily.InterNetwork ? server.Address4 : server.Address6;
        using Socket listener = server.CreateSocket(family);
        listener.Bind(new IPEndPoint(address, 80));
        listener.Listen();

        using Socket connection = await client.ConnectAsync(address.ToString(), 80);
        using Socket accepted = await listener.AcceptAsync();

        IPAddress expected = family == AddressFamily.InterNetwork ? client.Address4 : client.Address6;
        Assert.Equal(expected, ((IPEndPoint)accepted.RemoteEndPoint!).Address);
    }

    [Fact]
    public async Task A_pod_cannot_reach_anything_outside_the_node()
    {
        await using Bed bed = await Bed.StartAsync();
        Pod pod = await bed.AddPodAsync("prisoner");
        using Socket outside = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        outside.Bind(new IPEndPoint(IPAddress.Any, 0));
        outside.Listen();
        int port = ((IPEndPoint)outside.LocalEndPoint!).Port;

        foreach (string address in new[] { "127.0.0.1", "192.0.2.1", "2001:db8::1" })
        {
            long start = Stopwatch.GetTimestamp();
            await Assert.ThrowsAsync<SocketException>(() => pod.ConnectAsync(address, port));
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(1), $"{address} is not refused at once");
        }
    }

    [Fact]
    public async Task A_program_runs_in_its_pod_with_the_names_of_the_bed()
    {
        await using Bed bed = await Bed.StartAsync();
        Pod pod = await bed.AddPodAsync("pod");
        bed.Hosts.Set("echo.shop.svc.cluster.local", IPAddress.Parse("10.96.0.10"));

        ProcessResult hosts = await pod.RunAsync("getent", ["hosts", "echo.shop.svc.cluster.local"]);
        ProcessResult cgroup = await pod.RunAsync("cat", ["/proc/self/cgroup"]);
        ProcessResult address = await pod.RunAsync("ip", ["-brief", "address", "show", "eth0"]);

        Assert.StartsWith("10.96.0.10", hosts.Output, StringComparison.Ordinal);
        Assert.Contains($"/{bed.Id}/pod", cgroup.Output, StringComparison.Ordinal);
        Assert.Contains(pod.Address4.ToString(), address.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Output_comes_line_by_line_and_a_signal_ends_a_program()
    {
        await using Bed bed = await Bed.StartAsync();
        SandboxProcess shell = bed.Node.Start("sh", ["-c", "trap 'echo bye; exit 7' TERM; echo hello; while read -r _; do :; done"]);
        await shell.WaitForLineAsync(line => line == "hello", TimeSpan.FromSeconds(5));

        shell.Signal(15);
        ProcessResult result = await shell.WaitForExitAsync(TimeSpan.FromSeconds(5));

        Assert.Equal(7, result.ExitCode);
        Assert.Equal("hello\nbye", result.Output);
    }

    [Fact]
    public async Task A_socket_of_the_owner_made_in_a_pod_belongs_to_the_bed()
    {
        await using Bed first = await Bed.StartAsync();
        await using Bed second = await Bed.StartAsync();
        Pod one = await first.AddPodAsync("one");
        Pod two = await second.AddPodAsync("two");

        using (one.CreateSocket(AddressFamily.InterNetwork))
        {
            Assert.Contains(first.Id, await File.ReadAllTextAsync("/proc/self/cgroup"), StringComparison.Ordinal);
        }
        using (two.CreateSocket(AddressFamily.InterNetwork))
        {
            Assert.Contains(second.Id, await File.ReadAllTextAsync("/proc/self/cgroup"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_removed_pod_leaves_the_others_alone()
    {
        await using Bed bed = await Bed.StartAsync();
        Pod gone = await bed.AddPodAsync("gone");
        Pod stays = await bed.AddPodAsync("stays");
        await bed.RemovePodAsync(gone);

        Assert.False(File.Exists(gone.NetworkNamespace));
        Assert.Equal(0, (await stays.RunAsync("true", [])).ExitCode);
        Pod again = await bed.AddPodAsync("gone", gone.Address4, gone.Address6);
        Assert.Equal(0, (await stays.RunAsync("sh", ["-c", $"exec 3<>/dev/null; getent hosts localhost > /dev/null; ip route get {again.Address4}"])).ExitCode);
    }

    [Fact]
    public async Task A_bed_that_is_disposed_leaves_nothing()
    {
        Remains remains;
        await using (Bed bed = await Bed.StartAsync())
        {
            Pod pod = await bed.AddPodAsync("pod");
            pod.Start("sleep", ["1000"]);
            using Socket _ = pod.CreateSocket(AddressFamily.InterNetwork);
            remains = Remains.Of(bed.Id);
            Assert.NotEmpty(remains.Processes());
        }
        Assert.Empty(remains.Directories());
        Assert.Empty(remains.Processes());
    }

    [Fact]
    public async Task An_owner_killed_with_9_leaves_nothing()
    {
        (Process owner, string id) = await BedOwner.StartAsync();
        Remains remains = Remains.Of(id);
        Assert.Equal(3, remains.Directories().Count);
        Assert.NotEmpty(remains.Processes());

        owner.Kill();
        TimeSpan took = await Eventually.TrueAsync(
            () => remains.Directories().Count == 0 && remains.Processes().Count == 0, TimeSpan.FromSeconds(10), "the dead owner's bed to go");
        output.WriteLine($"gone in {took.TotalMilliseconds:0} ms");
    }

    [Fact]
    public async Task A_new_bed_sweeps_what_is_left_when_the_cleanup_was_killed_too()
    {
        (Process owner, string id) = await BedOwner.StartAsync();
        Remains remains = Remains.Of(id);
        foreach (int cleanup in remains.Cleanups())
        {
            Process.GetProcessById(cleanup).Kill();
        }
        await Eventually.TrueAsync(() => remains.Cleanups().Count == 0, TimeSpan.FromSeconds(5), "the cleanup to be dead");
        owner.Kill();
        await owner.WaitForExitAsync();
        Assert.Equal(3, remains.Directories().Count);

        await using Bed bed = await Bed.StartAsync();

        Assert.Empty(remains.Directories());
        Assert.Empty(remains.Processes());
    }
}
