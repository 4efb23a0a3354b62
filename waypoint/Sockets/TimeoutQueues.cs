namespace Waypoint.Proxy.Sockets;

/// <summary>
/// The deadlines of one loop. A proxy knows only a few different time-outs, so each has a queue of its own in which deadlines
/// arrive in order: adding and removing are a change of links, and only the heads need looking at.
/// </summary>
internal sealed class TimeoutQueues
{
    private readonly Dictionary<long, Queue> _byDuration = [];

    /// <summary>Starts the clock for <paramref name="wait"/>; an infinite or zero time-out is none.</summary>
    public void Add(SocketWait wait, TimeSpan timeout)
    {
        var milliseconds = (long)Math.Ceiling(timeout.TotalMilliseconds);
        if (milliseconds <= 0)
        {
            return;
        }

        if (!_byDuration.TryGetValue(milliseconds, out var queue))
        {
            _byDuration[milliseconds] = queue = new Queue();
        }

        wait.Deadline = Environment.TickCount64 + milliseconds;
        queue.Append(wait);
    }

    public static void Remove(SocketWait wait) => wait.Queue?.Unlink(wait);

    /// <summary>Time until the first deadline, for epoll_wait(2): -1 when there is none.</summary>
    public int MillisecondsToNext()
    {
        var next = long.MaxValue;
        foreach (var queue in _byDuration.Values)
        {
            if (queue.Head is { } head)
            {
                next = Math.Min(next, head.Deadline);
            }
        }

        return next == long.MaxValue ? -1 : (int)Math.Clamp(next - Environment.TickCount64, 0, int.MaxValue);
    }

    /// <summary>Completes, with false, every wait whose time is up.</summary>
    public void Expire()
    {
        var now = Environment.TickCount64;
        List<(SocketWait Wait, short Version)>? expired = null;
        foreach (var queue in _byDuration.Values)
        {
            while (queue.Head is { } head && head.Deadline <= now)
            {
                queue.Unlink(head);
                (expired ??= []).Add((head, head.Version));
            }
        }

        // What follows a wait may add a duration, so it runs only when the enumeration is over; by then an earlier one in the
        // list may have completed a later one and begun it anew.
        foreach (var (wait, version) in expired ?? [])
        {
            if (wait.Version == version)
            {
                wait.Complete(false);
            }
        }
    }

    internal sealed class Queue
    {
        private SocketWait? _tail;

        public SocketWait? Head { get; private set; }

        public void Append(SocketWait wait)
        {
            wait.Queue = this;
            wait.Previous = _tail;
            wait.Next = null;
            if (_tail is null)
            {
                Head = wait;
            }
            else
            {
                _tail.Next = wait;
            }

            _tail = wait;
        }

        public void Unlink(SocketWait wait)
        {
            if (wait.Previous is null)
            {
                Head = wait.Next;
            }
            else
            {
                wait.Previous.Next = wait.Next;
            }

            if (wait.Next is null)
            {
                _tail = wait.Previous;
            }
            else
            {
                wait.Next.Previous = wait.Previous;
            }

            wait.Queue = null;
            wait.Previous = wait.Next = null;
        }
    }
}
