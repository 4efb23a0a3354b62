using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace Waypoint.NodeAgent.Engine;

// The mirror of bpf/include/contract.h, in its order. bpf/tests/ContractTests.cs compares sizes and offsets with the
// object's BTF. The values of hash maps lack their leading `check`: KernelHashMap writes and verifies it.

/// <summary>An IP address as the kernel engine sees it: 16 bytes in network order, IPv4 as ::ffff:a.b.c.d.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct KernelAddress
{
    // Four words and not two: the C struct is aligned to 4 bytes.
    private readonly uint _word0;
    private readonly uint _word1;
    private readonly uint _word2;
    private readonly uint _word3;

    private KernelAddress(ReadOnlySpan<byte> bytes)
    {
        _word0 = MemoryMarshal.Read<uint>(bytes);
        _word1 = MemoryMarshal.Read<uint>(bytes[4..]);
        _word2 = MemoryMarshal.Read<uint>(bytes[8..]);
        _word3 = MemoryMarshal.Read<uint>(bytes[12..]);
    }

    public static KernelAddress From(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.MapToIPv6().TryWriteBytes(bytes, out _);
        return new KernelAddress(bytes);
    }

    /// <summary>The address; IPv4 when it is a mapped one.</summary>
    public IPAddress ToIPAddress()
    {
        var self = this;
        var address = new IPAddress(MemoryMarshal.AsBytes(new ReadOnlySpan<KernelAddress>(in self)));
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    public override string ToString() => ToIPAddress().ToString();
}

/// <summary>A port in network order.</summary>
internal readonly record struct NetworkPort
{
    private readonly ushort _value;

    private NetworkPort(ushort value) => _value = value;

    /// <summary>From a port number, 0 to 65535.</summary>
    public static NetworkPort From(int port) => new(Swap(checked((ushort)port)));

    public int ToPort() => Swap(_value);

    public override string ToString() => ToPort().ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static ushort Swap(ushort value) => BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value;
}

[Flags]
internal enum SettingFlags : uint
{
    None = 0,

    /// <summary>Report connections through the ring buffer.</summary>
    Events = 1 << 0,

    /// <summary>Whoever is not enrolled is served too, as by a kube-proxy.</summary>
    BalanceAll = 1 << 1,
}

internal readonly record struct KernelSettings(uint LayoutVersion, SettingFlags Flags);

[Flags]
internal enum PodFlags : uint
{
    None = 0,

    /// <summary>Loop guard 1: this namespace's connections are treated as those of one that is not enrolled.</summary>
    Waypoint = 1 << 0,
}

/// <summary>An enrolled network namespace; its key is the namespace's cookie.</summary>
/// <param name="OwnWaypoint">Loop guard 2: the service id of the waypoint that this pod is an instance of; 0 for none.</param>
/// <param name="OwnWaypoint6">The same waypoint's id where IPv6 is dialled: each family has entries of its own.</param>
internal readonly record struct Pod(PodFlags Flags, uint OwnWaypoint, KernelAddress Addr4, KernelAddress Addr6, uint OwnWaypoint6 = 0);

internal enum TransportProtocol : byte
{
    Tcp = 6,
}

/// <summary>A destination that clients dial. Port 0 stands for each port without a frontend of its own.</summary>
/// <param name="Pad">Part of the key, since the kernel compares keys byte by byte: always 0.</param>
internal readonly record struct FrontendKey(KernelAddress Addr, NetworkPort Port, TransportProtocol Protocol, byte Pad = 0);

internal readonly record struct Frontend(uint Service);

[Flags]
internal enum ServiceFlags : uint
{
    None = 0,

    /// <summary>A single workload: without a waypoint its address is dialled as it is.</summary>
    Direct = 1 << 0,

    /// <summary>A port of a cluster address: whoever is not enrolled picks from its slots, whatever its waypoint.</summary>
    ForAll = 1 << 1,
}

/// <param name="Slots">The id of an immutable slot set.</param>
/// <param name="Count">How many slots that set has.</param>
/// <param name="Waypoint">The service id of the waypoint that the traffic goes through; 0 for none.</param>
internal readonly record struct Service(uint Slots, uint Count, uint Waypoint, ServiceFlags Flags);

internal readonly record struct SlotKey(uint Set, uint Index);

internal readonly record struct Slot(uint Backend);

[Flags]
internal enum BackendFlags : ushort
{
    None = 0,

    /// <summary>A PROXY v2 header goes before the client's first bytes.</summary>
    WantsProxyHeader = 1 << 0,
}

internal readonly record struct Backend(KernelAddress Addr, NetworkPort Port, BackendFlags Flags);

/// <summary>What the kernel programs count. Each connect() of a TCP socket adds to exactly one of the first twelve.</summary>
internal enum Counter : uint
{
    Redirected,
    Balanced,
    NotEnrolled,
    NotInMesh,
    GuardWaypointNamespace,
    GuardOwnWaypoint,
    RefusedNoWaypoint,
    RefusedNoBackend,
    RefusedIncomplete,
    RefusedFamily,
    RefusedNoMemory,
    RefusedSockmapFull,
    LookupRepeated,
    SynOptionWritten,
    SynOptionNoRoom,
    ProxyHeaderSent,
    ProxyHeaderFailed,
    ProxyHeaderLate,
    SockmapFailed,
    SockmapLeft,
    EventLost,
    Count,
}

internal enum ConnectionEventKind : uint
{
    /// <summary>Established.</summary>
    Opened = 1,

    /// <summary>An established connection ended.</summary>
    Closed,

    /// <summary>The peer did not accept: reset, unreachable or timed out.</summary>
    Failed,

    /// <summary>connect() was refused by the kernel engine; <see cref="ConnectionEvent.Reason"/> says why.</summary>
    Refused,
}

/// <param name="TimeNs">CLOCK_MONOTONIC, in nanoseconds.</param>
/// <param name="Socket">The socket's cookie.</param>
/// <param name="Netns">The network namespace's cookie.</param>
/// <param name="DurationNs">Since connect(), in nanoseconds.</param>
/// <param name="BytesSent">Payload, without retransmissions and without our PROXY header.</param>
/// <param name="BytesReceived">Payload.</param>
/// <param name="Reason">Why it was refused, else <see cref="Counter.Redirected"/> or <see cref="Counter.Balanced"/>.</param>
/// <param name="Service">The service that was dialled.</param>
/// <param name="Backend">The chosen backend; 0 when refused.</param>
/// <param name="Source">The client's address; unset when refused.</param>
/// <param name="Original">The address that was dialled.</param>
/// <param name="Chosen">The address that was connected to; unset when refused.</param>
internal readonly record struct ConnectionEvent(
    ulong TimeNs,
    ulong Socket,
    ulong Netns,
    ulong DurationNs,
    ulong BytesSent,
    ulong BytesReceived,
    ConnectionEventKind Kind,
    Counter Reason,
    uint Service,
    uint Backend,
    KernelAddress Source,
    KernelAddress Original,
    KernelAddress Chosen,
    NetworkPort SourcePort,
    NetworkPort OriginalPort,
    NetworkPort ChosenPort,
    ushort Pad = 0);

/// <summary>Numbers of the contract that are not part of a struct.</summary>
internal static class Contract
{
    public const uint LayoutVersion = 1;
}
