using System.Diagnostics;
using Waypoint.Proxy.Forwarding;

namespace Waypoint.Proxy.Resilience;

/// <summary>
/// The time limits of one request. As for Envoy, the limits for the whole and for a try run from the end of the request's body,
/// so that a slow upload or a long client stream is no timeout; the limit for a try ends with the head of the answer, the one
/// for the whole with the answer. Zero means no limit.
/// </summary>
internal sealed class RequestClock : IDisposable
{
    private const long Never = long.MaxValue;

    private readonly Lock _gate = new();
    private readonly Timer _timer;
    private readonly TimeSpan _whole;
    private readonly TimeSpan _perTry;
    private readonly TimeSpan _idle;
    private CancellationTokenSource _try = new();
    private long _wholeAt = Never;
    private long _tryAt = Never;
    private long _lastActivity = Stopwatch.GetTimestamp();
    private bool _requestEnded;
    private bool _inTry;
    private UpstreamFailureKind? _expired;

    private RequestClock(TimeSpan whole, TimeSpan perTry, TimeSpan idle)
    {
        _whole = whole;
        _perTry = perTry;
        _idle = idle;
        _timer = new Timer(static clock => ((RequestClock)clock!).Check(), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>The limit that ended the latest try; null while none has.</summary>
    public UpstreamFailureKind? Expired
    {
        get
        {
            lock (_gate)
            {
                return _expired;
            }
        }
    }

    /// <summary>A clock for these limits; null when there is none, which costs nothing.</summary>
    public static RequestClock? Create(TimeSpan whole, TimeSpan perTry, TimeSpan idle) =>
        whole > TimeSpan.Zero || perTry > TimeSpan.Zero || idle > TimeSpan.Zero ? new RequestClock(whole, perTry, idle) : null;

    /// <summary>Begins a try; the token is set when a limit elapses.</summary>
    public CancellationToken StartTry()
    {
        lock (_gate)
        {
            if (_try.IsCancellationRequested)
            {
                _try.Dispose();
                _try = new CancellationTokenSource();
            }

            _expired = null;
            _inTry = true;
            var now = Stopwatch.GetTimestamp();
            _tryAt = _requestEnded ? Due(now, _perTry) : Never;
            _lastActivity = now;
            Arm(now);
            return _try.Token;
        }
    }

    /// <summary>The client has sent all of its request.</summary>
    public void RequestEnded()
    {
        lock (_gate)
        {
            if (_requestEnded)
            {
                return;
            }

            _requestEnded = true;
            var now = Stopwatch.GetTimestamp();
            _wholeAt = Due(now, _whole);
            _tryAt = _inTry ? Due(now, _perTry) : Never;
            Arm(now);
        }
    }

    /// <summary>The head of an answer is there that the client will get.</summary>
    public void ResponseStarted()
    {
        lock (_gate)
        {
            _inTry = false;
            _tryAt = Never;
        }
    }

    /// <summary>Something went by, in either direction.</summary>
    public void Activity()
    {
        if (_idle > TimeSpan.Zero)
        {
            Volatile.Write(ref _lastActivity, Stopwatch.GetTimestamp());
        }
    }

    /// <summary>How much of <paramref name="wait"/> the limit for the whole leaves.</summary>
    public TimeSpan Shorten(TimeSpan wait)
    {
        lock (_gate)
        {
            if (_wholeAt == Never)
            {
                return wait;
            }

            var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), _wholeAt);
            return left < wait ? TimeSpan.FromTicks(Math.Max(0, left.Ticks)) : wait;
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        lock (_gate)
        {
            _try.Dispose();
        }
    }

    private static long Due(long now, TimeSpan limit) =>
        limit > TimeSpan.Zero ? now + (long)(limit.TotalSeconds * Stopwatch.Frequency) : Never;

    private void Arm(long now)
    {
        var next = Math.Min(Math.Min(_wholeAt, _tryAt), Due(Volatile.Read(ref _lastActivity), _idle));
        if (next != Never)
        {
            // Rounded up: a timer that comes early would find nothing due and be set for zero again and again.
            var wait = Math.Ceiling(Stopwatch.GetElapsedTime(now, Math.Max(now, next)).TotalMilliseconds);
            _timer.Change((long)Math.Min(wait, uint.MaxValue - 1), Timeout.Infinite);
        }
    }

    private void Check()
    {
        CancellationTokenSource expired;
        lock (_gate)
        {
            if (_expired is not null)
            {
                return;
            }

            var now = Stopwatch.GetTimestamp();
            if (now >= _wholeAt)
            {
                _expired = UpstreamFailureKind.Timeout;
            }
            else if (now >= _tryAt)
            {
                _expired = UpstreamFailureKind.PerTryTimeout;
            }
            else if (now >= Due(Volatile.Read(ref _lastActivity), _idle))
            {
                _expired = UpstreamFailureKind.IdleTimeout;
            }
            else
            {
                Arm(now);
                return;
            }

            expired = _try;
        }

        try
        {
            expired.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The exchange ended between the lock and here: nobody is left to be told.
            return;
        }
    }
}
