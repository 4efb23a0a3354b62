namespace Waypoint.Proxy.LoadBalancing;

/// <summary>
/// Counts a cluster's connections against <see cref="CircuitBreakers.MaxConnections"/>. An HTTP/1.1 request takes a connection for itself, so those beyond the limit wait their turn, as many
/// as <see cref="CircuitBreakers.MaxPendingRequests"/>.
/// </summary>
internal sealed class ConnectionLimit
{
    private readonly Lock _gate = new();
    private readonly LinkedList<TaskCompletionSource> _waiting = new();
    private uint _open;
    private long _overflows;

    public uint Open => Volatile.Read(ref _open);

    /// <summary>What was turned away.</summary>
    public long Overflows => Volatile.Read(ref _overflows);

    /// <summary>Takes a connection, when there is one, and waits for nothing.</summary>
    public bool TryEnter(CircuitBreakers limits)
    {
        lock (_gate)
        {
            if (_open < limits.MaxConnections)
            {
                _open++;
                return true;
            }
        }

        Interlocked.Increment(ref _overflows);
        return false;
    }

    /// <summary>Takes a connection, or waits until one is given back.</summary>
    /// <returns>False when too many wait already.</returns>
    /// <exception cref="OperationCanceledException">One of the tokens was set first.</exception>
    public ValueTask<bool> EnterAsync(CircuitBreakers limits, CancellationToken limit, CancellationToken aborted)
    {
        LinkedListNode<TaskCompletionSource> place;
        lock (_gate)
        {
            if (_open < limits.MaxConnections)
            {
                _open++;
                return new ValueTask<bool>(true);
            }

            if (_waiting.Count >= limits.MaxPendingRequests)
            {
                Interlocked.Increment(ref _overflows);
                return new ValueTask<bool>(false);
            }

            place = _waiting.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        return WaitAsync(place, limit, aborted);
    }

    /// <summary>Gives a connection back.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            while (_waiting.First is { } first)
            {
                _waiting.RemoveFirst();
                if (first.Value.TrySetResult())
                {
                    // The connection goes from hand to hand.
                    return;
                }
            }

            _open--;
        }
    }

    private async ValueTask<bool> WaitAsync(LinkedListNode<TaskCompletionSource> place, CancellationToken limit, CancellationToken aborted)
    {
        using var first = limit.UnsafeRegister(Cancel, null);
        using var second = aborted.UnsafeRegister(Cancel, null);
        await place.Value.Task.ConfigureAwait(false);
        return true;

        void Cancel(object? _, CancellationToken token)
        {
            if (place.Value.TrySetCanceled(token))
            {
                lock (_gate)
                {
                    if (place.List is not null)
                    {
                        _waiting.Remove(place);
                    }
                }
            }
        }
    }
}
