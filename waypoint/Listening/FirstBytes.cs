using System.Diagnostics;
using Waypoint.Proxy.Listening.ProxyProtocol;
using Waypoint.Proxy.Sockets;

namespace Waypoint.Proxy.Listening;

/// <summary>
/// Looks at the first bytes of a connection without taking them: only a PROXY header is removed, exactly. So the HTTP server or
/// the backend reads from the socket itself, and no buffer has to travel along. One for each loop.
/// </summary>
internal sealed class FirstBytes(ListeningSettings settings)
{
    // A peek is done with before the next await, so all connections of a loop share the window.
    private readonly byte[] _window = new byte[ProxyHeaderParser.MaximumLength];
    private byte[]? _hello;

    /// <summary>Removes a PROXY header if one leads. Meant for a connection that has bytes, or soon has.</summary>
    /// <returns>Absent, Malformed or Complete.</returns>
    public async ValueTask<ProxyHeaderResult> TakeProxyHeaderAsync(LoopSocket client)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            // Before the peek: an end that is known now has all its bytes in the queue.
            var hasEnded = client.HasPeerClosed;
            var seen = (int)client.Peek(_window);
            if (seen == -Linux.WouldBlock)
            {
                await client.WaitReadableAsync();
                continue;
            }

            if (seen <= 0)
            {
                return ProxyHeaderResult.Absent;
            }

            var result = ProxyHeaderParser.Parse(_window.AsSpan(0, seen));
            switch (result.Status)
            {
                case ProxyHeaderStatus.Complete:
                    client.Receive(_window.AsSpan(0, result.Header!.Length));
                    return result;
                case ProxyHeaderStatus.Possible or ProxyHeaderStatus.Incomplete:
                    var timeout = result.Status == ProxyHeaderStatus.Possible ? settings.SniffTimeout : settings.HeaderTimeout;
                    if (hasEnded || Stopwatch.GetElapsedTime(started) >= timeout || !await client.WaitForMoreThanAsync(seen, timeout))
                    {
                        return result.Status == ProxyHeaderStatus.Possible
                            ? ProxyHeaderResult.Absent
                            : ProxyHeaderResult.Malformed(RejectionReason.ProxyHeaderTruncated);
                    }

                    break;
                default:
                    return result;
            }
        }
    }

    /// <summary>The server's name that the client's TLS asks for. Meant for a connection that has bytes, or soon has.</summary>
    /// <returns>Empty when there is no TLS or no name; null when the client did not say in time.</returns>
    public async ValueTask<string?> ReadServerNameAsync(LoopSocket client)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var hasEnded = client.HasPeerClosed;
            _hello ??= new byte[ClientHello.MaximumLength];
            var seen = (int)client.Peek(_hello);
            if (seen <= 0)
            {
                return null;
            }

            var name = ClientHello.Read(_hello.AsSpan(0, seen));
            if (name.IsComplete)
            {
                return name.ServerName;
            }

            if (hasEnded || Stopwatch.GetElapsedTime(started) >= settings.HeaderTimeout || !await client.WaitForMoreThanAsync(seen, settings.HeaderTimeout))
            {
                return null;
            }
        }
    }

    /// <summary>Tells the protocol by the first bytes; there must be some, or an end.</summary>
    public async ValueTask<SniffedProtocol> SniffAsync(LoopSocket client, bool isDeclaredHttp)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var hasEnded = client.HasPeerClosed;
            var seen = (int)client.Peek(_window.AsSpan(0, ProtocolSniffer.Window));
            if (seen <= 0)
            {
                return SniffedProtocol.Opaque;
            }

            var protocol = ProtocolSniffer.Classify(_window.AsSpan(0, seen), isDeclaredHttp);
            if (protocol != SniffedProtocol.Undecided)
            {
                return protocol;
            }

            if (hasEnded
                || Stopwatch.GetElapsedTime(started) >= settings.SniffTimeout
                || !await client.WaitForMoreThanAsync(seen, settings.SniffTimeout))
            {
                // A declared port has an HTTP server to say what is wrong with half a request line.
                return isDeclaredHttp ? SniffedProtocol.Http1 : SniffedProtocol.Opaque;
            }
        }
    }
}
