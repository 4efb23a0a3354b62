using System.Collections.Concurrent;
using System.Net;
using Waypoint.Xds.Identity;

namespace Waypoint.Proxy.Hbone;

/// <summary>Counts every refused tunnel and logs one of each kind a second, so that a flood does not flood the log.</summary>
internal sealed partial class TunnelRefusals(HboneMetrics metrics, ILogger<TunnelRefusals> logger)
{
    /// <summary>The handshake failed at something else than the peer's certificate.</summary>
    public const string Handshake = "handshake_failed";

    /// <summary>The server said neither yes nor no in time.</summary>
    public const string NoAnswer = "no_answer";

    private const long MillisecondsPerLog = 1000;

    private readonly ConcurrentDictionary<(string Side, string Reason), long> _nextLog = [];

    /// <param name="reason">Why (<see cref="PeerRefusals.Label"/>, <see cref="Handshake"/>).</param>
    /// <param name="peer">The client.</param>
    /// <param name="id">Who it says that it is.</param>
    /// <param name="detail">The TLS library's words, if there are any.</param>
    public void Inbound(string reason, IPEndPoint peer, SpiffeId? id, string? detail = null)
    {
        var count = metrics.CountRefused("inbound", reason);
        if (IsDue("inbound", reason))
        {
            RefusedClient(peer, id, reason, detail, count);
        }
    }

    /// <param name="reason">As for <see cref="Inbound"/>.</param>
    /// <param name="peer">The server.</param>
    /// <param name="id">Who it says that it is.</param>
    /// <param name="expected">Who it should be.</param>
    /// <param name="detail">As for <see cref="Inbound"/>.</param>
    public void Outbound(string reason, IPEndPoint peer, SpiffeId? id, SpiffeId? expected, string? detail = null)
    {
        var count = metrics.CountRefused("outbound", reason);
        if (IsDue("outbound", reason))
        {
            RefusedServer(peer, id, expected, reason, detail, count);
        }
    }

    private bool IsDue(string side, string reason)
    {
        var now = Environment.TickCount64;
        var due = _nextLog.GetOrAdd((side, reason), 0L);
        return now >= due && _nextLog.TryUpdate((side, reason), now + MillisecondsPerLog, due);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Refused the HBONE connection of {Peer} ({Id}): {Reason} {Detail} ({Count} so far)")]
    private partial void RefusedClient(IPEndPoint peer, SpiffeId? id, string reason, string? detail, long count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Left the HBONE server {Peer} ({Id}; {Expected} was expected): {Reason} {Detail} ({Count} so far)")]
    private partial void RefusedServer(IPEndPoint peer, SpiffeId? id, SpiffeId? expected, string reason, string? detail, long count);
}
