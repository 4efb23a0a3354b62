using System.Runtime.InteropServices;

namespace Waypoint.NodeAgent.Libbpf;

/// <summary>The one consumer of a BPF ring buffer. Not thread safe.</summary>
/// <remarks>
/// Its own reader and not libbpf's: the memory is read in place without a call back from native code for each record, and
/// the waiting is edge-triggered, so that the kernel side alone decides when a wake-up is worth its cost.
/// </remarks>
internal sealed unsafe partial class RingBuffer : IDisposable
{
    private const uint Busy = 1u << 31;
    private const uint Discarded = 1u << 30;
    private const int HeaderSize = 8;

    private const int ProtRead = 1;
    private const int ProtWrite = 2;
    private const int MapShared = 1;
    private const int EpollCloseOnExec = 0x80000;
    private const int EpollAdd = 1;
    private const uint EpollIn = 1;
    private const uint EpollEdgeTriggered = 1u << 31;

    // struct epoll_event is 12 bytes on x86-64 and 16 on arm64; the events come first on both.
    private const int EpollEventWords = 4;

    private readonly int _epoll;
    private readonly nuint _pageSize = (nuint)Environment.SystemPageSize;
    private readonly nuint _size;
    private readonly byte* _consumer;
    private readonly byte* _producer;
    private readonly byte* _data;

    public RingBuffer(BpfDescriptor map)
    {
        _size = BpfInfo.Map(map).MaxEntries;
        _consumer = Map(map, _pageSize, ProtRead | ProtWrite, 0);
        // The data is mapped twice in a row: a record that wraps around reads as one piece.
        _producer = Map(map, _pageSize + (2 * _size), ProtRead, (nint)_pageSize);
        _data = _producer + _pageSize;
        _epoll = EpollCreate(EpollCloseOnExec);
        var interest = stackalloc uint[EpollEventWords] { EpollIn | EpollEdgeTriggered, 0, 0, 0 };
        if (_epoll < 0 || EpollControl(_epoll, EpollAdd, map, interest) < 0)
        {
            throw LibbpfException.Last("watch the ring buffer");
        }
    }

    /// <summary>Copies out what is there, at most what fits.</summary>
    /// <returns>How many records were copied.</returns>
    public int Read<T>(Span<T> records)
        where T : unmanaged
    {
        var position = *(ulong*)_consumer;
        var end = Volatile.Read(ref *(ulong*)_producer);
        var count = 0;
        while (position < end && count < records.Length)
        {
            var header = _data + (position & (_size - 1));
            var length = Volatile.Read(ref *(uint*)header);
            if ((length & Busy) != 0)
            {
                break;
            }

            if ((length & Discarded) == 0)
            {
                records[count++] = *(T*)(header + HeaderSize);
            }

            position += ((length & ~Discarded) + HeaderSize + 7) & ~7u;
        }

        Volatile.Write(ref *(ulong*)_consumer, position);
        return count;
    }

    /// <summary>Returns when the kernel side asked for a wake-up since the last call, or after <paramref name="timeout"/>.</summary>
    public void Wait(TimeSpan timeout)
    {
        var ready = stackalloc uint[EpollEventWords];
        _ = EpollWait(_epoll, ready, 1, (int)timeout.TotalMilliseconds);
    }

    public void Dispose()
    {
        _ = CloseDescriptor(_epoll);
        _ = MemoryUnmap(_consumer, _pageSize);
        _ = MemoryUnmap(_producer, _pageSize + (2 * _size));
    }

    private static byte* Map(BpfDescriptor map, nuint length, int protection, nint offset)
    {
        var address = MemoryMap(null, length, protection, MapShared, map, offset);
        return (nint)address == -1 ? throw LibbpfException.Last("map the ring buffer into memory") : address;
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial byte* MemoryMap(void* address, nuint length, int protection, int flags, BpfDescriptor descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int MemoryUnmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int EpollControl(int epoll, int operation, BpfDescriptor descriptor, uint* interest);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int EpollWait(int epoll, uint* ready, int maximum, int timeoutMilliseconds);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseDescriptor(int descriptor);
}
