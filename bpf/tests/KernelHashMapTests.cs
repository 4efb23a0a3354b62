using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using Waypoint.NodeAgent.Engine;

namespace Waypoint.Bpf.Tests;

/// <summary>The maps' C# face against real maps.</summary>
public sealed class KernelHashMapTests(EngineBed bed) : EngineTest(bed)
{
    internal override KernelEngineOptions Options => base.Options with { Capacities = new() { Services = 20_000, Slots = 2 } };

    [Fact]
    public void What_is_set_is_read_and_what_is_removed_is_gone()
    {
        var backend = new Backend(KernelAddress.From(IPAddress.Parse("fd00::1")), NetworkPort.From(15088), BackendFlags.WantsProxyHeader);

        Assert.False(Engine.Backends.TryGet(7, out _));
        Engine.Backends.Set(7, backend);
        Assert.True(Engine.Backends.TryGet(7, out var read));
        Assert.Equal(backend, read);
        Assert.True(Engine.Backends.Remove(7));
        Assert.False(Engine.Backends.Remove(7));
    }

    [Fact]
    public void Many_entries_are_written_read_and_removed_in_batches()
    {
        var entries = Enumerable.Range(1, 20_000).ToDictionary(id => (uint)id, id => new Service((uint)id, 1, 0, ServiceFlags.Direct));

        Engine.Services.Set(entries);
        Assert.Equal(entries, Engine.Services.ReadAll());

        // Each third one is missing in the middle of the batches.
        Engine.Services.Remove([.. entries.Keys.Where(id => id % 3 == 0)]);
        Engine.Services.Remove(entries.Keys);
        Assert.Empty(Engine.Services.ReadAll());
    }

    [Fact]
    public void A_full_map_says_which_and_keeps_what_it_holds()
    {
        Engine.Slots.Set(new SlotKey(1, 0), new Slot(1));
        Engine.Slots.Set(new SlotKey(1, 1), new Slot(2));

        var full = Assert.Throws<KernelMapFullException>(() => Engine.Slots.Set(new SlotKey(1, 2), new Slot(3)));
        Assert.Equal(("slots", 2), (full.Map, full.Capacity));
        Assert.Throws<KernelMapFullException>(() => Engine.Slots.Set([KeyValuePair.Create(new SlotKey(2, 0), new Slot(4))]));

        Engine.Slots.Set(new SlotKey(1, 1), new Slot(5));
        Assert.Equal(new() { [new(1, 0)] = new(1), [new(1, 1)] = new(5) }, Engine.Slots.ReadAll());
    }

    [Fact]
    public void A_value_that_belongs_to_another_key_is_never_used()
    {
        // What a reader sees when the kernel gives an element to another key under its eyes: the check does not fit.
        using var backend = Sockets.Listen(Bed.Server);
        var service = Serve(Vip.V4, backend.Address());
        Engine.Services.TryGet(service, out var entry);
        WriteWords("services", [service], [0xbad, entry.Slots, entry.Count, 0, 0]);

        using var client = Sockets.Client(Bed.Client);
        Assert.Equal(Sockets.HostUnreachable, client.TryConnect(Vip.V4));
        Assert.Equal(1u, Engine.Counters[Counter.RefusedIncomplete]);
    }

    /// <summary>Past the maps' face, which would write the right check.</summary>
    private void WriteWords(string map, uint[] key, uint[] value)
    {
        static IEnumerable<string> Bytes(uint[] words) =>
            MemoryMarshal.AsBytes(words.AsSpan()).ToArray().Select(single => single.ToString(CultureInfo.InvariantCulture));

        var pin = Path.Combine(Options.BpffsPath, "maps", map);
        using var bpftool = Process.Start("bpftool", ["map", "update", "pinned", pin, "key", .. Bytes(key), "value", .. Bytes(value)]);
        bpftool.WaitForExit();
        Assert.Equal(0, bpftool.ExitCode);
    }
}
