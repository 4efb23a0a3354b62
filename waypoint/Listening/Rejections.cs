using System.Net;

namespace Waypoint.Proxy.Listening;

/// <summary>Counts every rejected connection and logs one of each kind a second, so that a flood does not flood the log.</summary>
internal sealed partial class Rejections(ListeningMetrics metrics, ILogger<Rejections> logger)
{
    private const long MillisecondsPerLog = 1000;

    private readonly long[] _nextLog = new long[RejectionReasons.All.Count];

    /// <param name="reason">Why.</param>
    /// <param name="peer">The TCP peer.</param>
    /// <param name="destination">Where it wanted to go, if it said so.</param>
    public void Report(RejectionReason reason, IPEndPoint peer, IPEndPoint? destination)
    {
        metrics.CountRejected(reason);
        ref var next = ref _nextLog[(int)reason];
        var due = Volatile.Read(ref next);
        var now = Environment.TickCount64;
        if (now >= due && logger.IsEnabled(LogLevel.Information) && Interlocked.CompareExchange(ref next, now + MillisecondsPerLog, due) == due)
        {
            var (label, count) = (reason.Label(), metrics.Rejected(reason));
            Rejected(peer, destination, label, count);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Closed a connection of {Peer} to {Destination}: {Reason} ({Count} so far)")]
    private partial void Rejected(IPEndPoint peer, IPEndPoint? destination, string reason, long count);
}
