using System.Net;

namespace Waypoint.TestBed;

/// <summary>The node: the bridge of its pods, and no way out. Agents and control planes run here.</summary>
public sealed class Node : Sandbox
{
    internal const int PrefixLength4 = 16;
    internal const int PrefixLength6 = 64;

    /// <summary>It would keep each IPv6 address, link-local ones too, unusable for a second.</summary>
    internal const string NoDuplicateAddressDetection =
        "for dad in all default; do echo 0 > /proc/sys/net/ipv6/conf/$dad/accept_dad; done";

    internal Node(Bed bed) : base(bed, "node")
    {
    }

    /// <summary>The bridge's address: what the node serves, its pods reach here.</summary>
    public static IPAddress Address4 { get; } = IPAddress.Parse("10.244.0.1");

    public static IPAddress Address6 { get; } = IPAddress.Parse("fd00:10:244::1");

    // The agent pins in the machine's BPF file system and opens pods through the machine's /proc.
    private protected override bool HasOwnMounts => false;

    internal Task StartAsync() => StartAsync("--net", $$"""
        {{NoDuplicateAddressDetection}}
        ip -batch - <<-END
        link set lo up
        link add pods type bridge
        address add {{Address4}}/{{PrefixLength4}} dev pods
        address add {{Address6}}/{{PrefixLength6}} dev pods
        link set pods up
        END
        """);
}
