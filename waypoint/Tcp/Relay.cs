using System.Runtime.CompilerServices;
using Waypoint.Proxy.Sockets;

namespace Waypoint.Proxy.Tcp;

/// <summary>How a relay came to its end.</summary>
internal enum RelayEnd
{
    /// <summary>Both sides sent all they had.</summary>
    Finished,

    /// <summary>The client reset the connection, and so the upstream's was.</summary>
    ClientReset,

    /// <summary>The upstream reset the connection, and so the client's was.</summary>
    UpstreamReset,

    /// <summary>Nothing moved for as long as is allowed.</summary>
    Idle,

    /// <summary>It was as old as a connection may become.</summary>
    Expired,
}

/// <summary>
/// Joins two connections byte for byte: what one side sends reaches the other, an end of stream as an end of stream (the other
/// direction goes on), a reset as a reset. Runs on the loop of both sockets.
/// </summary>
internal sealed class Relay(LoopSocket client, LoopSocket upstream, ConveyorPool conveyors, TimeSpan idleTimeout)
{
    // A direction that never has to wait lets the others have their turn after so many bytes.
    private const long BytesPerTurn = 4 << 20;

    // About where splicing becomes cheaper than copying.
    private const int BulkSize = 16 * 1024;

    private RelayEnd _end = RelayEnd.Finished;
    private bool _isToClientDone;
    private bool _isFailing;
    private long _received;
    private long _sent;

    /// <summary>Bytes from the client.</summary>
    public long BytesReceived => Volatile.Read(ref _received);

    /// <summary>Bytes to the client.</summary>
    public long BytesSent => Volatile.Read(ref _sent);

    /// <summary>Completes when both sockets are closed.</summary>
    /// <param name="preamble">Runs before the first byte of the client is passed on; false when the connection is not to go on.</param>
    public async Task<RelayEnd> RunAsync(Func<LoopSocket, ValueTask<bool>>? preamble)
    {
        client.Failed = () => Fail(client);
        upstream.Failed = () => Fail(upstream);
        var toUpstream = PumpToUpstreamAsync(preamble);
        var toClient = PumpToClientAsync();
        await toUpstream;
        await toClient;
        client.Dispose();
        upstream.Dispose();
        return _end;
    }

    /// <summary>Closes both connections: they are too old.</summary>
    public void Expire()
    {
        if (client.Descriptor >= 0 && upstream.Descriptor >= 0)
        {
            _end = RelayEnd.Expired;
            client.Dispose();
            upstream.Dispose();
        }
    }

    private async Task PumpToUpstreamAsync(Func<LoopSocket, ValueTask<bool>>? preamble)
    {
        if (preamble is not null && !await preamble(client))
        {
            Fail(client);
            return;
        }

        await PumpAsync(client, upstream);
    }

    private async Task PumpToClientAsync()
    {
        await PumpAsync(upstream, client);
        _isToClientDone = true;
    }

    private async Task PumpAsync(LoopSocket from, LoopSocket to)
    {
        var conveyor = conveyors.Rent(isBulk: false);
        var turn = 0L;
        while (true)
        {
            var filled = conveyor.Fill(from);
            if (filled > 0)
            {
                var draining = DrainAsync(conveyor, to);
                var hasWaited = !draining.IsCompleted;
                if (!await draining)
                {
                    conveyors.Return(conveyor);
                    Fail(to);
                    return;
                }

                Count(from, filled);
                turn += filled;
                if (turn >= BytesPerTurn)
                {
                    turn = 0;
                    hasWaited = true;
                    await to.YieldAsync();
                }

                // An edge that came while this direction waited for something else found nobody who waits for it.
                var mayHaveMore = hasWaited || !conveyor.HasEmptiedSource;
                conveyor = Suit(conveyor, filled >= BulkSize);
                if (mayHaveMore)
                {
                    continue;
                }
            }
            else if (filled == -Linux.InvalidArgument && conveyor is PipeConveyor)
            {
                // Not every kind of socket can be spliced.
                conveyor = Suit(conveyor, isBulk: false);
                continue;
            }

            // Nothing is on the way: no conveyor is held while waiting.
            conveyors.Return(conveyor);
            if (filled == 0)
            {
                to.ShutdownWrite();
                return;
            }

            if (filled < 0 && !LoopSocket.WouldBlock(filled))
            {
                Fail(from);
                return;
            }

            if (!await WaitAsync(from, isWrite: false))
            {
                return;
            }

            conveyor = conveyors.Rent(isBulk: conveyor is PipeConveyor);
            turn = 0;
        }
    }

    /// <summary>The conveyor that suits the traffic: the same one, or another in exchange.</summary>
    private Conveyor Suit(Conveyor conveyor, bool isBulk)
    {
        if (isBulk == conveyor is PipeConveyor)
        {
            return conveyor;
        }

        conveyors.Return(conveyor);
        return conveyors.Rent(isBulk);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> DrainAsync(Conveyor conveyor, LoopSocket to)
    {
        while (conveyor.Pending > 0)
        {
            var drained = conveyor.Drain(to);
            if (LoopSocket.WouldBlock(drained))
            {
                if (!await WaitAsync(to, isWrite: true))
                {
                    return false;
                }
            }
            else if (drained < 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Waits; false when neither direction moved for the whole time, and the relay is over.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> WaitAsync(LoopSocket socket, bool isWrite)
    {
        while (true)
        {
            var before = _received + _sent;
            if (await (isWrite ? socket.WaitWritableAsync(idleTimeout) : socket.WaitReadableAsync(idleTimeout)))
            {
                return true;
            }

            if (_received + _sent == before)
            {
                _end = RelayEnd.Idle;
                client.Dispose();
                upstream.Dispose();
                return false;
            }
        }
    }

    private void Count(LoopSocket from, nint bytes)
    {
        if (ReferenceEquals(from, client))
        {
            _received += bytes;
        }
        else
        {
            _sent += bytes;
        }
    }

    /// <summary>
    /// Passes a reset on as a reset. Only a client that has all of the answer already is closed gently: a reset could overtake what
    /// it has not read yet.
    /// </summary>
    private void Fail(LoopSocket broken)
    {
        if (_isFailing)
        {
            // A pump that one of the closes below has woken.
            return;
        }

        _isFailing = true;
        if (client.Descriptor < 0 || upstream.Descriptor < 0)
        {
            // Closed by us, on purpose: the silence was too long, or the program ends.
            client.Dispose();
            upstream.Dispose();
            return;
        }

        _end = ReferenceEquals(broken, client) ? RelayEnd.ClientReset : RelayEnd.UpstreamReset;

        // Before the close, which wakes the pump to the client and ends it.
        var isToClientDone = _isToClientDone;
        upstream.Reset();
        if (isToClientDone)
        {
            client.Dispose();
        }
        else
        {
            client.Reset();
        }
    }
}
