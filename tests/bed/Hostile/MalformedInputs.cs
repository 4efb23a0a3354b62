using System.Text;

namespace Waypoint.TestBed.Hostile;

/// <summary>Where the bytes are sent.</summary>
public enum Target
{
    /// <summary>A service's HTTP port, from an enrolled client: the waypoint knows the destination.</summary>
    Service,

    /// <summary>The waypoint's own port 15088, past the kernel: there is no destination but what the bytes say.</summary>
    WaypointPort,
}

/// <param name="Flaw">What is wrong, in a few words.</param>
/// <param name="Bytes">All that the client sends, in Latin-1.</param>
/// <param name="IsCutShort">The client sends its FIN where more should follow; otherwise the peer has to end it.</param>
public sealed record MalformedInput(string Flaw, Target Target, string Bytes, bool IsCutShort = false);

/// <summary>Inputs that must end in a client error or a clean close, and never reach a backend.</summary>
public static class MalformedInputs
{
    private const string Signature = "\r\n\r\n\0\r\nQUIT\n";
    private const string Get = "GET / HTTP/1.1\r\nHost: echo\r\n\r\n";

    public static IReadOnlyList<MalformedInput> All { get; } =
    [
        new("no destination at all", Target.WaypointPort, Get),
        new("PROXY v2 cut short", Target.WaypointPort, Signature + "\x21\x11\0\x0c\x0a\xf4", IsCutShort: true),
        new("PROXY v2 of version 3", Target.WaypointPort, Signature + "\x31\x11\0\x0c" + Addresses + Get),
        new("PROXY v2 too short for its family", Target.WaypointPort, Signature + "\x21\x11\0\x04\x0a\xf4\0\x28" + Get),
        new("PROXY signature with one wrong byte", Target.WaypointPort, "\r\n\r\n\0\r\nQUIT\r\x21\x11\0\x0c" + Addresses + Get),
        new("PROXY v1 line without end", Target.WaypointPort, "PROXY TCP4 " + new string('1', 200)),
        new("Content-Length and Transfer-Encoding", Target.Service,
            "POST / HTTP/1.1\r\nHost: echo\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: echo\r\n\r\n"),
        new("two Content-Lengths", Target.Service, "POST / HTTP/1.1\r\nHost: echo\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"),
        new("chunk size in another notation", Target.Service, "POST / HTTP/1.1\r\nHost: echo\r\nTransfer-Encoding: chunked\r\n\r\n0x4\r\nabcd\r\n0\r\n\r\n"),
        new("space before the colon", Target.Service, "GET / HTTP/1.1\r\nHost: echo\r\nX-A : 1\r\n\r\n"),
        new("oversize header", Target.Service, "GET / HTTP/1.1\r\nHost: echo\r\nX-Big: " + new string('a', 256 * 1024) + "\r\n\r\n"),
        new("no Host", Target.Service, "GET / HTTP/1.1\r\n\r\n"),
        new("bad HTTP/2 preface", Target.Service, "PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n"),
        new("HTTP/2 frame larger than allowed", Target.Service, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Encoding.Latin1.GetString([0xff, 0xff, 0xff, 4, 0, 0, 0, 0, 0])),
    ];

    // From 10.244.0.40:4660 to 10.96.0.10:80.
    private static string Addresses => "\x0a\xf4\0\x28\x0a\x60\0\x0a\x12\x34\0\x50";
}
