using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Waypoint.Proxy.Sockets;

/// <summary>
/// A non-blocking stream socket that belongs to one <see cref="EventLoop"/> and is used on its thread only. Transfers answer the
/// number of bytes, or the negative errno: <c>-EAGAIN</c> means "wait first". After <see cref="Dispose"/> they answer <c>-EBADF</c>.
/// </summary>
/// <param name="loop">Where it lives.</param>
/// <param name="descriptor">The socket, which this object closes.</param>
/// <param name="isLocal">It is an end of a socket pair, not a TCP connection.</param>
internal sealed class LoopSocket(EventLoop loop, int descriptor, bool isLocal = false) : IDisposable
{
    private readonly SocketWait _readable = new();
    private readonly SocketWait _writable = new();

    // The wait that the next readable event completes: usually _readable, another socket's while either of two may speak first.
    private SocketWait? _reader;
    private bool _isRegistered;

    public EventLoop Loop => loop;

    /// <summary>-1 once the socket was closed or given away.</summary>
    public int Descriptor { get; private set; } = descriptor;

    /// <summary>The peer has sent its last byte; those before it may still wait to be read. Known only of a socket that was waited for.</summary>
    public bool HasPeerClosed { get; private set; }

    /// <summary>Called once when the peer reset the connection, even while nobody reads.</summary>
    public Action? Failed { get; set; }

    /// <summary>Called by <see cref="Reset"/> before it closes: the other end of a socket pair cannot tell a reset from an end.</summary>
    public Action? Resetting { get; set; }

    public static bool WouldBlock(nint result) => result == -Linux.WouldBlock;

    /// <summary>Begins a connection: <see cref="WaitWritableAsync"/>, then <see cref="PendingError"/> tells how it went.</summary>
    /// <returns>The socket, or the errno of what was refused at once.</returns>
    public static unsafe (LoopSocket? Socket, int Error) Connect(EventLoop loop, IPEndPoint remote)
    {
        var domain = remote.AddressFamily == AddressFamily.InterNetwork ? Linux.InternetV4 : Linux.InternetV6;
        var descriptor = Libc.Socket(domain, Linux.Stream | Linux.NonBlocking | Linux.CloseOnExec, 0);
        if (descriptor < 0)
        {
            return (null, Marshal.GetLastPInvokeError());
        }

        var socket = new LoopSocket(loop, descriptor);
        socket.SetOption(Linux.TcpLevel, Linux.TcpNoDelay, 1);
        TcpKeepAlive.Enable(descriptor);
        var address = remote.Serialize();
        int result;
        fixed (byte* bytes = address.Buffer.Span)
        {
            result = Libc.Connect(descriptor, bytes, address.Size);
        }

        var error = result == 0 ? 0 : Marshal.GetLastPInvokeError();
        if (error is 0 or Linux.InProgress)
        {
            return (socket, 0);
        }

        socket.Dispose();
        return (null, error);
    }

    /// <summary>Completes when the socket may have bytes, an end or an error; false when the time was up first.</summary>
    public ValueTask<bool> WaitReadableAsync(TimeSpan timeout = default)
    {
        _reader = _readable;
        return Begin(_readable, timeout);
    }

    public ValueTask<bool> WaitWritableAsync(TimeSpan timeout = default) => Begin(_writable, timeout);

    /// <summary>Completes when either socket may have something to read.</summary>
    public ValueTask<bool> WaitReadableAsync(LoopSocket other, TimeSpan timeout = default)
    {
        other._reader = _readable;
        other.EnsureRegistered();
        return WaitReadableAsync(timeout);
    }

    /// <summary>Completes when more than <paramref name="bytes"/> are there to peek at, or the end.</summary>
    public async ValueTask<bool> WaitForMoreThanAsync(int bytes, TimeSpan timeout)
    {
        if (isLocal)
        {
            // The kernel knows no low-water mark there, and needs none: each write raises an edge, whatever is unread.
            return await WaitReadableAsync(timeout);
        }

        // A peek leaves the bytes where they are, so that the socket would count as readable all the time.
        SetOption(Linux.SocketLevel, Linux.ReceiveLowWater, bytes + 1);
        EnsureRegistered();
        loop.Rearm(this);
        var inTime = await WaitReadableAsync(timeout);
        SetOption(Linux.SocketLevel, Linux.ReceiveLowWater, 1);
        return inTime;
    }

    public ValueTask<bool> YieldAsync() => loop.YieldAsync(_writable);

    public nint Receive(Span<byte> buffer) => Receive(buffer, 0);

    /// <summary>Reads without taking.</summary>
    public nint Peek(Span<byte> buffer) => Receive(buffer, Linux.MessagePeek);

    public unsafe nint Send(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* pointer = bytes)
        {
            return Result(Libc.Send(Descriptor, pointer, bytes.Length, Linux.MessageNoSignal));
        }
    }

    /// <summary>Moves bytes from the socket's queue into a pipe, without copying them.</summary>
    public nint SpliceTo(int pipe, nint limit) =>
        Result(Libc.Splice(Descriptor, 0, pipe, 0, limit, Linux.SpliceMove | Linux.SpliceNonBlocking));

    /// <summary>Moves bytes from a pipe into the socket's queue.</summary>
    public nint SpliceFrom(int pipe, nint limit) =>
        Result(Libc.Splice(pipe, 0, Descriptor, 0, limit, Linux.SpliceMove | Linux.SpliceNonBlocking));

    /// <summary>Sends FIN; reading goes on.</summary>
    public void ShutdownWrite() => _ = Libc.Shutdown(Descriptor, Linux.ShutdownWrite);

    /// <summary>The socket's pending error (SO_ERROR), 0 when it is well.</summary>
    public unsafe int PendingError
    {
        get
        {
            int error;
            var length = sizeof(int);
            return Libc.GetSocketOption(Descriptor, Linux.SocketLevel, Linux.Error, (byte*)&error, &length) < 0
                ? Marshal.GetLastPInvokeError()
                : error;
        }
    }

    /// <summary>Null when it is closed, or an end of a socket pair.</summary>
    public unsafe IPEndPoint? LocalEndPoint
    {
        get
        {
            if (isLocal)
            {
                return null;
            }

            var bytes = stackalloc byte[SocketAddressing.MaximumSize];
            var length = SocketAddressing.MaximumSize;
            return Libc.GetSocketName(Descriptor, bytes, &length) < 0 ? null : SocketAddressing.Read(new ReadOnlySpan<byte>(bytes, length));
        }
    }

    /// <summary>Closes with RST, so that the peer learns of a failure as a failure.</summary>
    public unsafe void Reset()
    {
        Resetting?.Invoke();
        Span<int> linger = [1, 0];
        fixed (int* value = linger)
        {
            _ = Libc.SetSocketOption(Descriptor, Linux.SocketLevel, Linux.Linger, (byte*)value, 2 * sizeof(int));
        }

        Dispose();
    }

    /// <summary>Gives the connection to .NET; this object is done with it.</summary>
    public Socket Detach()
    {
        var given = Descriptor;
        Unregister();
        Descriptor = -1;
        return new Socket(new SafeSocketHandle(given, ownsHandle: true));
    }

    public void Dispose()
    {
        if (Descriptor < 0)
        {
            return;
        }

        Unregister();
        _ = Libc.Close(Descriptor);
        Descriptor = -1;

        // Whoever still waits finds out by the answer of its next call.
        NotifyReadable();
        NotifyWritable();
    }

    internal void NotifyReadable() => _reader?.Complete(true);

    internal void NotifyWritable() => _writable.Complete(true);

    internal void NotifyPeerClosed() => HasPeerClosed = true;

    internal void NotifyFailed()
    {
        var failed = Failed;
        Failed = null;
        failed?.Invoke();
    }

    private ValueTask<bool> Begin(SocketWait wait, TimeSpan timeout)
    {
        if (Descriptor < 0)
        {
            return new ValueTask<bool>(true);
        }

        EnsureRegistered();
        var task = wait.Begin();
        loop.SetTimeout(wait, timeout);
        return task;
    }

    private unsafe nint Receive(Span<byte> buffer, int flags)
    {
        fixed (byte* pointer = buffer)
        {
            return Result(Libc.Receive(Descriptor, pointer, buffer.Length, flags));
        }
    }

    private unsafe void SetOption(int level, int name, int value) =>
        _ = Libc.SetSocketOption(Descriptor, level, name, (byte*)&value, sizeof(int));

    private void EnsureRegistered()
    {
        if (!_isRegistered && Descriptor >= 0)
        {
            _isRegistered = true;
            loop.Register(this);
        }
    }

    private void Unregister()
    {
        if (_isRegistered)
        {
            _isRegistered = false;
            loop.Unregister(this);
        }
    }

    private static nint Result(nint result) => result >= 0 ? result : -Marshal.GetLastPInvokeError();
}
