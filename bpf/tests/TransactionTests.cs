using System.Net.Sockets;
using Waypoint.NodeAgent.Engine;

namespace Waypoint.Bpf.Tests;

/// <summary>Readers during the writer's transactions (design D5): nobody sees half of a change.</summary>
public sealed class TransactionTests(EngineBed bed) : EngineTest(bed)
{
    private const int Changes = 1000;

    // About one connection in 3,000 meets a change between two of its lookups: without the repeated one, two runs of three fail.
    private const int Connections = 3000;

    [Fact]
    public void A_thousand_changes_of_backends_under_connections_are_never_seen_as_an_error()
    {
        Socket[] listeners = [.. Enumerable.Range(0, 3).Select(_ => Sockets.Listen(Bed.Server))];
        var service = Serve(Vip.V4, listeners[0].Address());
        Engine.Services.TryGet(service, out var current);
        Engine.Slots.TryGet(new SlotKey(current.Slots, 0), out var slot);
        uint[] backends = [slot.Backend];

        using var load = new ConnectLoad(Bed.Client, Vip.V4, listeners);
        for (var change = 0; change < Changes || load.Connections < Connections; change++)
        {
            // One, two or three backends, each time new ones: grow and shrink.
            uint[] next = [.. listeners.Take(1 + (change % 3)).Select(listener => AddBackend(listener.Address()))];
            var replacement = new Service(AddSlots(next), (uint)next.Length, 0, ServiceFlags.None);
            Engine.Services.Set(service, replacement);
            Engine.Slots.Remove([.. Enumerable.Range(0, backends.Length).Select(index => new SlotKey(current.Slots, (uint)index))]);
            Engine.Backends.Remove(backends);
            (current, backends) = (replacement, next);
        }

        load.Stop();

        Assert.True(load.Failures == 0, $"{load.Failures} of {load.Connections} failed, errno {load.LastError}");
        Assert.Equal(backends.Length, Engine.Backends.ReadAll().Count);
        Assert.Equal(backends.Length, Engine.Slots.ReadAll().Count);
        Array.ForEach(listeners, listener => listener.Dispose());
    }
}
