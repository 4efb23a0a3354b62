using System.Net;
using System.Net.Sockets;
using Waypoint.NodeAgent.Engine;
using Waypoint.TestBed;
using Pod = Waypoint.TestBed.Pod;

namespace Waypoint.Bpf.Tests;

/// <summary>A test with an engine of its own, attached to the bed, and the words to fill its maps.</summary>
[Collection(EngineTests.Name)]
public abstract class EngineTest : IDisposable
{
    private readonly string _pins;
    private uint _lastId;

    protected EngineTest(EngineBed bed)
    {
        Bed = bed;
        _pins = Path.Combine(bed.Bed.PinDirectory, "engine");
        Engine = KernelEngine.Open(Options);
        Engine.Attach();
        Enrol(bed.Client);
    }

    protected EngineBed Bed { get; }

    internal KernelEngine Engine { get; set; }

    internal virtual KernelEngineOptions Options => new() { CgroupPath = Bed.Bed.Cgroup, BpffsPath = _pins };

    public void Dispose()
    {
        Engine.Dispose();
        KernelEngine.Uninstall(_pins);
        GC.SuppressFinalize(this);
    }

    internal void Enrol(Pod pod, PodFlags flags = PodFlags.None, uint ownWaypoint = 0) => Engine.Pods.Set(
        CookieOf(pod),
        new NodeAgent.Engine.Pod(flags, ownWaypoint, KernelAddress.From(pod.Address4), KernelAddress.From(pod.Address6)));

    internal static ulong CookieOf(Sandbox pod) => pod.Run(() =>
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        return socket.NetworkNamespaceCookie();
    });

    protected uint NextId() => ++_lastId;

    /// <summary>A service without a frontend yet.</summary>
    internal uint AddService(IEnumerable<IPEndPoint> backends, uint waypoint = 0, ServiceFlags flags = ServiceFlags.None, BackendFlags backendFlags = BackendFlags.None)
    {
        var ids = backends.Select(backend => AddBackend(backend, backendFlags)).ToArray();
        var service = NextId();
        Engine.Services.Set(service, new Service(AddSlots(ids), (uint)ids.Length, waypoint, flags));
        return service;
    }

    internal uint AddBackend(IPEndPoint backend, BackendFlags flags = BackendFlags.None)
    {
        var id = NextId();
        Engine.Backends.Set(id, new Backend(KernelAddress.From(backend.Address), NetworkPort.From(backend.Port), flags));
        return id;
    }

    internal uint AddSlots(IReadOnlyList<uint> backends)
    {
        var set = NextId();
        Engine.Slots.Set([.. backends.Select((backend, index) => KeyValuePair.Create(new SlotKey(set, (uint)index), new Slot(backend)))]);
        return set;
    }

    internal void AddFrontend(IPEndPoint destination, uint service) => Engine.Frontends.Set(KeyOf(destination), new Frontend(service));

    internal static FrontendKey KeyOf(IPEndPoint destination) =>
        new(KernelAddress.From(destination.Address), NetworkPort.From(destination.Port), TransportProtocol.Tcp);

    /// <summary>A service with a frontend.</summary>
    internal uint Serve(IPEndPoint destination, params IPEndPoint[] backends)
    {
        var service = AddService(backends);
        AddFrontend(destination, service);
        return service;
    }

    /// <summary>A service whose traffic goes through the waypoint that listens at <paramref name="waypoint"/>.</summary>
    internal uint ServeThroughWaypoint(IPEndPoint destination, IPEndPoint waypoint, BackendFlags flags = BackendFlags.None)
    {
        var waypointService = AddService([waypoint], backendFlags: flags);
        AddFrontend(destination, AddService([], waypointService));
        return waypointService;
    }
}
