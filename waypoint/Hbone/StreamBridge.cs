using System.Buffers;
using System.Net.Sockets;
using Waypoint.Proxy.Sockets;

namespace Waypoint.Proxy.Hbone;

/// <summary>
/// Moves bytes between a stream of a tunnel and a socket pair, whose other end is on an event loop, where it is served like any TCP connection.
/// An end of stream passes as an end of stream, each way by itself, and a reset as a reset.
/// </summary>
internal sealed class StreamBridge(ITunnelStream stream, Socket near) : IDisposable
{
    // Four TLS records. Rented only while bytes are there: an idle tunnel holds no buffer.
    private const int BufferSize = 64 * 1024;

    private volatile bool _isReset;

    /// <summary>The loop's end of the pair, once it is known.</summary>
    public LoopSocket? Far { get; set; }

    /// <summary>The loop's end was reset: to be called before it is closed.</summary>
    public void Resetting() => _isReset = true;

    /// <summary>Completes when both directions have ended and the near end is closed.</summary>
    public async Task RunAsync()
    {
        using (near)
        {
            await Task.WhenAll(PumpInAsync(), PumpOutAsync()).ConfigureAwait(false);
        }
    }

    /// <summary>For a bridge that never ran.</summary>
    public void Dispose() => near.Dispose();

    private async Task PumpInAsync()
    {
        try
        {
            while (true)
            {
                var result = await stream.Input.ReadAsync().ConfigureAwait(false);
                foreach (var segment in result.Buffer)
                {
                    if (!await SendAsync(segment).ConfigureAwait(false))
                    {
                        // Whoever was on the loop is gone; the other direction says how.
                        await stream.Input.CompleteAsync().ConfigureAwait(false);
                        return;
                    }
                }

                stream.Input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    break;
                }
            }

            Shutdown();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            Fail();
        }
    }

    private async Task PumpOutAsync()
    {
        try
        {
            while (await WaitReadableAsync().ConfigureAwait(false))
            {
                var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
                try
                {
                    var received = near.Receive(buffer, SocketFlags.None, out var error);
                    if (error is SocketError.WouldBlock)
                    {
                        continue;
                    }

                    if (received == 0 || error != SocketError.Success)
                    {
                        break;
                    }

                    await stream.WriteAsync(buffer.AsMemory(0, received)).ConfigureAwait(false);
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }
            }

            if (_isReset)
            {
                stream.Reset();
            }
            else
            {
                await stream.EndAsync().ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            Fail();
        }
    }

    private async ValueTask<bool> WaitReadableAsync()
    {
        try
        {
            await near.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (!bytes.IsEmpty)
            {
                bytes = bytes[await near.SendAsync(bytes, SocketFlags.None).ConfigureAwait(false)..];
            }

            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private void Shutdown()
    {
        try
        {
            near.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The other end is closed already.
        }
    }

    /// <summary>The stream broke: the loop's end learns of it as of a reset.</summary>
    private void Fail()
    {
        if (Far is not { } far)
        {
            near.Dispose();
            return;
        }

        far.Loop.Post(() =>
        {
            // In this order: an end that is seen first would pass for an end in peace.
            far.NotifyFailed();
            near.Dispose();
        });
    }
}
