namespace Waypoint.NodeAgent.Engine;

/// <summary>Where the kernel engine lives and how much it holds.</summary>
internal sealed record KernelEngineOptions
{
    /// <summary>The cgroup v2 directory whose processes are served, children included.</summary>
    public required string CgroupPath { get; init; }

    /// <summary>The directory for the pins.</summary>
    public string BpffsPath { get; init; } = "/sys/fs/bpf/waypoint";

    /// <summary>Mount a BPF file system when there is none. One that is mounted in a container ends with it, and the pins with that.</summary>
    public bool MountBpffs { get; init; } = true;

    /// <summary>What to do with pinned maps of another layout.</summary>
    public LayoutChange OnLayoutChange { get; init; } = LayoutChange.Refuse;

    /// <summary>Report connections; without it <see cref="KernelEngine.OpenEvents"/> stays silent.</summary>
    public bool Events { get; init; } = true;

    /// <summary>Serve those who are not enrolled too, by the entries that are marked <see cref="ServiceFlags.ForAll"/>.</summary>
    public bool BalanceAll { get; init; }

    /// <summary>Entries that fit into each map. An adopted map keeps the size that it has.</summary>
    public KernelMapCapacities Capacities { get; init; } = new();
}

internal enum LayoutChange
{
    /// <summary>Open throws <see cref="KernelLayoutException"/>.</summary>
    Refuse,

    /// <summary>Open makes new, empty maps beside the old ones; Attach switches to them once they are filled.</summary>
    Replace,
}

/// <summary>An empty map takes 16 bytes an entry, an entry about 100 more.</summary>
internal sealed record KernelMapCapacities
{
    public uint Pods { get; init; } = 4096;

    public uint Frontends { get; init; } = 262_144;

    public uint Services { get; init; } = 131_072;

    public uint Slots { get; init; } = 524_288;

    public uint Backends { get; init; } = 262_144;

    /// <summary>Connections at a time that wait to send their PROXY header. One more is refused.</summary>
    public uint AwaitingProxyHeader { get; init; } = 32_768;

    /// <summary>The capacity of the map, or null for the one that the object says.</summary>
    internal uint? Of(string map) => map switch
    {
        "pods" => Pods,
        "frontends" => Frontends,
        "services" => Services,
        "slots" => Slots,
        "backends" => Backends,
        "claims" => AwaitingProxyHeader,
        // A closing socket gives back its claim a moment before it leaves the sockhash.
        "watched" => AwaitingProxyHeader * 2,
        _ => null,
    };
}
