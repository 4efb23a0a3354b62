using System.Buffers;

namespace Waypoint.Proxy.Listening;

/// <summary>What the first bytes of a client say about its protocol.</summary>
internal enum SniffedProtocol
{
    /// <summary>Too few bytes to tell.</summary>
    Undecided,
    Http1,
    Http2,

    /// <summary>A TLS ClientHello: opaque to us, whatever is inside.</summary>
    Tls,
    Opaque,
}

/// <summary>
/// Classifies a stream by its first bytes: the HTTP/2 preface, an HTTP/1 request line, a TLS ClientHello, or anything else.
/// </summary>
/// <remarks>
/// Where nobody declared a protocol, a wrong "opaque" costs one connection its HTTP features and a wrong "HTTP" breaks it, so
/// doubt is opaque: "EHLO mail.example" is a token and a space too. On a declared HTTP port a token and a space are enough,
/// and a bad request line is the HTTP server's to answer.
/// </remarks>
internal static class ProtocolSniffer
{
    /// <summary>As much as is ever looked at; a decision needs fewer bytes unless a request line is this long.</summary>
    public const int Window = 512;

    // Long enough for every registered method (UPDATEREDIRECTREF has 17 letters).
    private const int LongestMethod = 20;

    // RFC 9110 section 5.6.2.
    private static readonly SearchValues<byte> TokenCharacters = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    // RFC 9113 section 3.4 has 24 bytes. The first 14 tell; what follows them is for the HTTP/2 server to judge, with its own error.
    private static ReadOnlySpan<byte> Http2Preface => "PRI * HTTP/2.0"u8;

    /// <param name="bytes">The first bytes of the client.</param>
    /// <param name="isDeclaredHttp">Whether the configuration says that the port speaks HTTP.</param>
    public static SniffedProtocol Classify(ReadOnlySpan<byte> bytes, bool isDeclaredHttp)
    {
        if (bytes.StartsWith(Http2Preface))
        {
            return SniffedProtocol.Http2;
        }

        if (Http2Preface.StartsWith(bytes))
        {
            return SniffedProtocol.Undecided;
        }

        const byte handshakeRecord = 0x16, majorVersion = 0x03;
        if (bytes[0] == handshakeRecord)
        {
            return bytes.Length == 1 ? SniffedProtocol.Undecided : bytes[1] == majorVersion ? SniffedProtocol.Tls : SniffedProtocol.Opaque;
        }

        // RFC 9112 section 2.2: a server ignores an empty line before the request line.
        var request = bytes.TrimStart("\r\n"u8);
        var method = request.IndexOfAnyExcept(TokenCharacters);
        if (method < 0)
        {
            return request.Length <= LongestMethod && bytes.Length < Window ? SniffedProtocol.Undecided : SniffedProtocol.Opaque;
        }

        if (method is 0 or > LongestMethod || request[method] != ' ')
        {
            return SniffedProtocol.Opaque;
        }

        return isDeclaredHttp ? SniffedProtocol.Http1 : ClassifyTarget(request[..method], request[(method + 1)..]);
    }

    // RFC 9112 section 3: the target is a path, "*", a URI, or for CONNECT an authority; the line ends in the version.
    private static SniffedProtocol ClassifyTarget(ReadOnlySpan<byte> method, ReadOnlySpan<byte> rest)
    {
        if (rest.IsEmpty)
        {
            return SniffedProtocol.Undecided;
        }

        var lineEnd = rest.IndexOf((byte)'\n');
        if (lineEnd >= 0)
        {
            var line = rest[..lineEnd].TrimEnd((byte)'\r');
            return line.Length > 9 && line[^9..^1].SequenceEqual(" HTTP/1."u8) ? SniffedProtocol.Http1 : SniffedProtocol.Opaque;
        }

        if (rest[0] is (byte)'/' or (byte)'*' || method.SequenceEqual("CONNECT"u8))
        {
            return SniffedProtocol.Http1;
        }

        var scheme = "http"u8;
        return rest.StartsWith(scheme) ? SniffedProtocol.Http1
            : scheme.StartsWith(rest) ? SniffedProtocol.Undecided
            : SniffedProtocol.Opaque;
    }
}
