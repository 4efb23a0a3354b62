using System.Net;

namespace Waypoint.Proxy.Listening.ProxyProtocol;

/// <summary>What a PROXY protocol header says, of either version.</summary>
internal sealed record ProxyHeader
{
    /// <summary>Bytes that it takes at the head of the stream.</summary>
    public required int Length { get; init; }

    /// <summary>Null when the header names nobody (LOCAL, UNSPEC, UNKNOWN).</summary>
    public IPEndPoint? Source { get; init; }

    /// <summary>Where the client wanted to go; null when the header names nobody.</summary>
    public IPEndPoint? Destination { get; init; }

    /// <summary>TLV 0xD0: the client's SPIFFE URI, as ztunnel sends it.</summary>
    public string? Principal { get; init; }
}

internal enum ProxyHeaderStatus
{
    /// <summary>The bytes begin something else.</summary>
    Absent,

    /// <summary>So far it could become a header.</summary>
    Possible,

    /// <summary>It is a header, and part of it is still to come.</summary>
    Incomplete,

    /// <summary>It claims to be a header and is not one.</summary>
    Malformed,

    Complete,
}

/// <summary>What the first bytes of a stream are, as far as PROXY headers go.</summary>
/// <param name="Header">Set when complete.</param>
/// <param name="Reason">Set when malformed.</param>
internal readonly record struct ProxyHeaderResult(ProxyHeaderStatus Status, ProxyHeader? Header = null, RejectionReason? Reason = null)
{
    public static ProxyHeaderResult Absent => new(ProxyHeaderStatus.Absent);

    public static ProxyHeaderResult Possible => new(ProxyHeaderStatus.Possible);

    public static ProxyHeaderResult Incomplete => new(ProxyHeaderStatus.Incomplete);

    public static ProxyHeaderResult Malformed(RejectionReason reason) => new(ProxyHeaderStatus.Malformed, Reason: reason);

    public static ProxyHeaderResult Complete(ProxyHeader header) => new(ProxyHeaderStatus.Complete, header);
}
