using System.Net;

namespace Waypoint.TestBed;

/// <summary>A pod: a network namespace with one interface on the node's bridge, and an /etc/hosts of its own.</summary>
public sealed class Pod : Sandbox
{
    private readonly int _interface;

    internal Pod(Bed bed, string name, int interfaceNumber, IPAddress address4, IPAddress address6) : base(bed, name)
    {
        _interface = interfaceNumber;
        Address4 = address4;
        Address6 = address6;
    }

    public IPAddress Address4 { get; }

    public IPAddress Address6 { get; }

    private protected override bool HasOwnMounts => true;

    // There is no default route: what the mesh does not rewrite to an address of the bed has nowhere to go, and fails at once.
    // The pair is born in the pod with its other end already on the node's side.
    internal Task StartAsync() => StartAsync("--net --mount --propagation private", $$"""
        mount --bind {{Bed.Hosts.FilePath}} /etc/hosts
        {{Node.NoDuplicateAddressDetection}}
        ip -batch - <<-END
        link set lo up
        link add eth0 type veth peer name pod{{_interface}} netns {{Bed.Node.PauseProcess}}
        address add {{Address4}}/{{Node.PrefixLength4}} dev eth0
        address add {{Address6}}/{{Node.PrefixLength6}} dev eth0
        link set eth0 up
        END
        nsenter --target {{Bed.Node.PauseProcess}} --net ip link set pod{{_interface}} master pods up
        """);
}
