using System.Threading.Tasks.Sources;

namespace Waypoint.Proxy.Sockets;

/// <summary>
/// One pending wait on a loop: reused for the life of its socket, so that waiting allocates nothing. The result is false when
/// the time was up first.
/// </summary>
internal sealed class SocketWait : IValueTaskSource<bool>
{
    private ManualResetValueTaskSourceCore<bool> _core;

    public bool IsPending { get; private set; }

    /// <summary>Tells one use from the next.</summary>
    internal short Version => _core.Version;

    // Links of the time-out queue that holds this wait (see TimeoutQueues).
    internal TimeoutQueues.Queue? Queue { get; set; }

    internal SocketWait? Previous { get; set; }

    internal SocketWait? Next { get; set; }

    internal long Deadline { get; set; }

    public ValueTask<bool> Begin()
    {
        if (IsPending)
        {
            throw new InvalidOperationException("The socket is already waited for.");
        }

        _core.Reset();
        IsPending = true;
        return new ValueTask<bool>(this, _core.Version);
    }

    /// <summary>Ends the wait, if there is one, and runs what follows it.</summary>
    public void Complete(bool result)
    {
        if (IsPending)
        {
            IsPending = false;
            TimeoutQueues.Remove(this);
            _core.SetResult(result);
        }
    }

    bool IValueTaskSource<bool>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
