using System.Net;
using Waypoint.TestBed;

namespace Waypoint.Bpf.Tests;

/// <summary>One node for all tests: a client pod to be enrolled, a pod with backends and a waypoint's pod.</summary>
public sealed class EngineBed : IAsyncLifetime
{
    private Bed? _bed;

    public Bed Bed => _bed ?? throw new InvalidOperationException("The bed is not up.");

    public Pod Client => Bed.Pods["client"];

    public Pod Server => Bed.Pods["server"];

    public Pod Waypoint => Bed.Pods["waypoint"];

    public async Task InitializeAsync()
    {
        _bed = await Bed.StartAsync();
        foreach (var name in (string[])["client", "server", "waypoint"])
        {
            await _bed.AddPodAsync(name);
        }
    }

    public async Task DisposeAsync() => await Bed.DisposeAsync();
}

/// <summary>Tests share the bed and the machine's cgroup hooks, so they run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class EngineTests : ICollectionFixture<EngineBed>
{
    public const string Name = "engine";
}

/// <summary>Addresses that nothing owns: only the kernel engine can lead a connection to them anywhere.</summary>
internal static class Vip
{
    public static IPEndPoint V4 { get; } = new(IPAddress.Parse("10.96.7.9"), 8080);

    public static IPEndPoint V6 { get; } = new(IPAddress.Parse("fd00:96::7:9"), 8080);
}
