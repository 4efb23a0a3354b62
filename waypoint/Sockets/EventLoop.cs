using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Waypoint.Proxy.Sockets;

/// <summary>
/// One thread around one epoll(7). Methods that await a <see cref="LoopSocket"/> go on here, inline, so that everything about
/// a connection happens on one thread and needs no lock. Nothing that runs here may block.
/// </summary>
/// <remarks>
/// Sockets are registered once, edge-triggered. A caller always tries its system call first and waits only after EAGAIN;
/// as events are delivered by the thread that runs the caller, none can slip in between.
/// </remarks>
internal sealed unsafe class EventLoop : IDisposable
{
    private const int EventCapacity = 128;
    private const uint Readable = 0x001, Writable = 0x004, Failed = 0x008, HungUp = 0x010, PeerClosed = 0x2000, EdgeTriggered = 1u << 31;
    private const int Add = 1, Delete = 2, Modify = 3;

    // struct epoll_event is packed on x86-64 and nowhere else.
    private static readonly int EventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int EventDataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    private readonly int _epoll;
    private readonly int _wake;
    private readonly Thread _thread;
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly Queue<SocketWait> _yielded = new();
    private readonly TimeoutQueues _timeouts = new();
    private LoopSocket?[] _sockets = new LoopSocket?[256];
    private int _wakePending;
    private volatile bool _stopping;

    public EventLoop(string name)
    {
        _epoll = Check(Libc.EpollCreate(Linux.CloseOnExec), "epoll_create1");
        _wake = Check(Libc.EventDescriptor(0, Linux.CloseOnExec | Linux.NonBlocking), "eventfd");
        Control(Add, _wake, Readable | EdgeTriggered);
        _thread = new Thread(Run) { Name = name, IsBackground = true };
        _thread.Start();
    }

    public bool IsCurrent => Thread.CurrentThread == _thread;

    /// <summary>Runs <paramref name="action"/> on the loop's thread, soon; never, once the loop has ended. It must not throw.</summary>
    public void Post(Action action)
    {
        _posted.Enqueue(action);
        Wake();
    }

    /// <summary>What comes after an await of it runs on the loop's thread.</summary>
    public LoopSwitch SwitchAsync() => new(this);

    /// <summary>Lets every other ready connection have its turn.</summary>
    public ValueTask<bool> YieldAsync(SocketWait wait)
    {
        var task = wait.Begin();
        _yielded.Enqueue(wait);
        return task;
    }

    /// <summary>Waits for <paramref name="delay"/> on the loop.</summary>
    public ValueTask<bool> DelayAsync(SocketWait wait, TimeSpan delay)
    {
        var task = wait.Begin();
        _timeouts.Add(wait, delay);
        return task;
    }

    public void Dispose()
    {
        if (!_stopping)
        {
            _stopping = true;
            Wake();
            if (!IsCurrent)
            {
                _thread.Join();
            }
        }
    }

    internal void Register(LoopSocket socket)
    {
        Debug.Assert(IsCurrent);
        var descriptor = socket.Descriptor;
        if (descriptor >= _sockets.Length)
        {
            Array.Resize(ref _sockets, Math.Max(descriptor + 1, _sockets.Length * 2));
        }

        _sockets[descriptor] = socket;
        Control(Add, descriptor, Readable | Writable | PeerClosed | EdgeTriggered);
    }

    internal void Unregister(LoopSocket socket)
    {
        _sockets[socket.Descriptor] = null;
        Control(Delete, socket.Descriptor, 0);
    }

    /// <summary>Makes epoll look again: after a change of the low-water mark no edge may be left to come.</summary>
    internal void Rearm(LoopSocket socket) =>
        Control(Modify, socket.Descriptor, Readable | Writable | PeerClosed | EdgeTriggered);

    internal void SetTimeout(SocketWait wait, TimeSpan timeout) => _timeouts.Add(wait, timeout);

    private void Run()
    {
        var events = stackalloc byte[EventCapacity * EventSize];
        while (!_stopping)
        {
            var timeout = _yielded.Count > 0 ? 0 : _timeouts.MillisecondsToNext();
            var count = Libc.EpollWait(_epoll, events, EventCapacity, timeout);
            for (var i = 0; i < count; i++)
            {
                var entry = events + (i * EventSize);
                Dispatch(Unsafe.ReadUnaligned<int>(entry + EventDataOffset), Unsafe.ReadUnaligned<uint>(entry));
            }

            for (var turn = _yielded.Count; turn > 0; turn--)
            {
                _yielded.Dequeue().Complete(true);
            }

            _timeouts.Expire();
        }

        LetNobodyWake();
        foreach (var socket in _sockets)
        {
            socket?.Dispose();
        }

        _ = Libc.Close(_wake);
        _ = Libc.Close(_epoll);
    }

    private void Dispatch(int descriptor, uint events)
    {
        if (descriptor == _wake)
        {
            RunPosted();
            return;
        }

        // A socket closed earlier in this batch may still have an event in it; a new one under the same number merely tries in vain.
        if (_sockets[descriptor] is not { } socket)
        {
            return;
        }

        if ((events & (PeerClosed | HungUp | Failed)) != 0)
        {
            socket.NotifyPeerClosed();
        }

        if ((events & (Readable | PeerClosed | HungUp | Failed)) != 0)
        {
            socket.NotifyReadable();
        }

        if ((events & (Writable | HungUp | Failed)) != 0)
        {
            socket.NotifyWritable();
        }

        // Last, so that whoever reads gets what came before the reset.
        if ((events & Failed) != 0)
        {
            socket.NotifyFailed();
        }
    }

    private void RunPosted()
    {
        _ = TakeWake();
        Interlocked.Exchange(ref _wakePending, 0);
        while (_posted.TryDequeue(out var action))
        {
            action();
        }
    }

    // Who changes the flag writes, and the flag is changed back only after the write was read: at most one is ever under way.
    private void Wake()
    {
        if (Interlocked.Exchange(ref _wakePending, 1) == 0)
        {
            var one = 1ul;
            _ = Libc.Write(_wake, (byte*)&one, sizeof(ulong));
        }
    }

    private bool TakeWake()
    {
        ulong ignored;
        return Libc.Read(_wake, (byte*)&ignored, sizeof(ulong)) == sizeof(ulong);
    }

    // The descriptor's number is the next file's as soon as it is closed: a write still to come would put eight bytes into some connection.
    private void LetNobodyWake()
    {
        if (Interlocked.Exchange(ref _wakePending, 1) == 1)
        {
            SpinWait.SpinUntil(TakeWake);
        }
    }

    private void Control(int operation, int descriptor, uint events)
    {
        var entry = stackalloc byte[16];
        Unsafe.WriteUnaligned(entry, events);
        Unsafe.WriteUnaligned(entry + EventDataOffset, (long)descriptor);
        Check(Libc.EpollControl(_epoll, operation, descriptor, entry), "epoll_ctl");
    }

    private static int Check(int result, string call) =>
        result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError(), $"{call} failed: {Marshal.GetLastPInvokeErrorMessage()}");
}
