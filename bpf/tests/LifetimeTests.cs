using System.Diagnostics;
using System.Net.Sockets;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Libbpf;
using Waypoint.TestBed;

namespace Waypoint.Bpf.Tests;

/// <summary>The kernel engine outlives the process that loaded it (design D6).</summary>
public sealed class LifetimeTests(EngineBed bed) : EngineTest(bed)
{
    private static readonly string[] Programs =
        ["connect4", "connect6", "getpeername4", "getpeername6", "proxy_header", "sock_ops", "sock_release"];

    [Fact]
    public void Without_a_process_connections_go_on_and_the_next_one_adopts_them()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint);
        ServeThroughWaypoint(Vip.V4, waypoint.Address(), BackendFlags.WantsProxyHeader);
        using var before = Sockets.Connected(Bed.Client, Vip.V4);

        Engine.Dispose();
        using var between = Sockets.Connected(Bed.Client, Vip.V4);

        Engine = KernelEngine.Open(Options);
        Assert.True(Engine.Adopted);
        Assert.Empty(Engine.Attach());
        using var after = Sockets.Connected(Bed.Client, Vip.V4);

        Assert.Equal(3u, Engine.Counters[Counter.Redirected]);
        foreach (var client in (Socket[])[before, between, after])
        {
            using var accepted = waypoint.AcceptOne();
            Assert.Equal(Vip.V4, client.PeerName());
            client.Send("hello"u8);
            Assert.Equal("\r\n\r\n\0\r\nQUIT\n"u8, accepted.ReadExactly(28 + 5).AsSpan(0, 12));
            Assert.NotNull(Sockets.TcpOption(accepted.SavedSyn(), 254));
        }
    }

    [Fact]
    public void Adopted_maps_hold_what_they_held()
    {
        var service = Serve(Vip.V4, new System.Net.IPEndPoint(Bed.Server.Address4, 80));
        var pods = Engine.Pods.ReadAll();
        Engine.Dispose();

        Engine = KernelEngine.Open(Options);

        Assert.Equal(pods, Engine.Pods.ReadAll());
        Assert.Equal(new Frontend(service), Engine.Frontends.ReadAll()[KeyOf(Vip.V4)]);
    }

    [Fact]
    public void Other_code_takes_over_without_a_gap_for_connections_of_both()
    {
        using var waypoint = Sockets.Listen(Bed.Waypoint);
        ServeThroughWaypoint(Vip.V4, waypoint.Address(), BackendFlags.WantsProxyHeader);
        using var old = Sockets.Connected(Bed.Client, Vip.V4);
        Engine.Dispose();

        using var load = new ConnectLoad(Bed.Client, Vip.V4, waypoint);
        Engine = KernelEngine.Open(Options, Variant("-DRESOLVE_ATTEMPTS=3"));
        var replaced = Engine.Attach();
        load.RunUntil(load.Connections + 200);
        load.Stop();

        Assert.Equal(["connect4", "connect6"], replaced.Order());
        Assert.Equal(0, load.Failures);
        Assert.Equal(Vip.V4, old.PeerName());
    }

    [Fact]
    public void Maps_of_another_layout_are_refused_by_name_and_number()
    {
        Engine.Settings = Engine.Settings with { LayoutVersion = 999 };
        Engine.Dispose();

        var refused = Assert.Throws<KernelLayoutException>(() => KernelEngine.Open(Options));

        Assert.Equal(999u, refused.Found);
        Assert.Contains(Options.BpffsPath, refused.Message, StringComparison.Ordinal);
        Assert.Contains("999", refused.Message, StringComparison.Ordinal);
        Engine = KernelEngine.Open(Options with { OnLayoutChange = LayoutChange.Replace });
    }

    [Fact]
    public void Maps_of_another_layout_are_replaced_without_a_gap_once_the_new_ones_are_filled()
    {
        using var backend = Sockets.Listen(Bed.Server);
        Serve(Vip.V4, backend.Address());
        using var old = Sockets.Connected(Bed.Client, Vip.V4);
        Engine.Settings = Engine.Settings with { LayoutVersion = 999 };
        Engine.Dispose();

        using var load = new ConnectLoad(Bed.Client, Vip.V4, backend);
        Engine = KernelEngine.Open(Options with { OnLayoutChange = LayoutChange.Replace });
        Assert.False(Engine.Adopted);
        Assert.Empty(Engine.Frontends.ReadAll());
        Enrol(Bed.Client);
        Serve(Vip.V4, backend.Address());
        load.RunUntil(load.Connections + 100);
        Assert.Equal(0u, Engine.Counters[Counter.Balanced]);

        Assert.Equal(Programs, Engine.Attach().Order());
        load.RunUntil(load.Connections + 100);
        load.Stop();

        Assert.Equal(0, load.Failures);
        Assert.True(Engine.Counters[Counter.Balanced] >= 100);
        Engine.Dispose();
        Engine = KernelEngine.Open(Options);
        Assert.True(Engine.Adopted);
    }

    [Fact]
    public void A_link_to_a_cgroup_that_is_gone_is_made_anew()
    {
        Engine.Dispose();
        KernelEngine.Uninstall(Options.BpffsPath);
        var gone = Directory.CreateDirectory(Path.Combine(Bed.Bed.Cgroup, "gone")).FullName;
        Engine = KernelEngine.Open(Options with { CgroupPath = gone });
        Engine.Attach();
        Directory.Delete(gone);
        Engine.Dispose();

        Engine = KernelEngine.Open(Options);
        Assert.True(Engine.Adopted);
        Engine.Attach();

        Enrol(Bed.Client);
        using var backend = Sockets.Listen(Bed.Server);
        Serve(Vip.V4, backend.Address());
        using var client = Sockets.Connected(Bed.Client, Vip.V4);
    }

    [Fact]
    public void Processes_outside_the_cgroup_are_not_touched()
    {
        Engine.Dispose();
        KernelEngine.Uninstall(Options.BpffsPath);
        Engine = KernelEngine.Open(Options with { CgroupPath = Bed.Server.Cgroup });
        Engine.Attach();
        Enrol(Bed.Client);
        using var backend = Sockets.Listen(Bed.Server);
        Serve(Vip.V4, backend.Address());

        // The socket's owner is in another branch of the bed's cgroups.
        using var client = Sockets.Client(Bed.Client);
        Assert.Equal(Sockets.NetworkUnreachable, client.TryConnect(Vip.V4));

        Assert.All(Engine.Counters.ReadAll(), counter => Assert.Equal(0u, counter.Value));
    }

    [Fact]
    public void Programs_that_the_kernel_does_not_take_come_with_its_reason_and_change_nothing()
    {
        using var backend = Sockets.Listen(Bed.Server);
        Serve(Vip.V4, backend.Address());
        Engine.Dispose();
        var refused = KernelEngine.EmbeddedObject();
        // What reads the kernel's structs must be under the GPL.
        var license = refused.AsSpan().IndexOf("GPL\0"u8);
        "MIT"u8.CopyTo(refused.AsSpan(license));

        var failure = Assert.Throws<LibbpfException>(() => KernelEngine.Open(Options, refused));

        Assert.Contains("from non-GPL compatible program", failure.Message, StringComparison.Ordinal);
        using var client = Sockets.Connected(Bed.Client, Vip.V4);
    }

    [Fact]
    public void Bytes_that_are_no_object_are_refused_by_name()
    {
        var failure = Assert.Throws<LibbpfException>(() => KernelEngine.Open(Options, "not an ELF file"u8));

        Assert.Contains("open the BPF object", failure.Message, StringComparison.Ordinal);
        Assert.Contains("libbpf:", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Uninstalled_it_leaves_nothing_and_open_connections_go_on()
    {
        using var backend = Sockets.Listen(Bed.Server);
        Serve(Vip.V4, backend.Address());
        using var client = Sockets.Connected(Bed.Client, Vip.V4);
        using var accepted = backend.AcceptOne();

        Engine.Dispose();
        KernelEngine.Uninstall(Options.BpffsPath);

        Assert.False(Directory.Exists(Options.BpffsPath));
        client.Send("hello"u8);
        Assert.Equal("hello"u8.ToArray(), accepted.ReadExactly(5));
        using var late = Sockets.Client(Bed.Client);
        Assert.Equal(Sockets.NetworkUnreachable, late.TryConnect(Vip.V4));
    }

    /// <summary>The engine's object, compiled with another constant.</summary>
    private byte[] Variant(string define)
    {
        var build = Path.Combine(Bed.Bed.ScratchDirectory, "variant");
        using var make = Process.Start("make", ["-s", "-C", Repository.Bpf, $"BUILD={build}", $"CPPFLAGS={define}"]);
        make.WaitForExit();
        Assert.Equal(0, make.ExitCode);
        return File.ReadAllBytes(Path.Combine(build, "waypoint.bpf.o"));
    }
}
