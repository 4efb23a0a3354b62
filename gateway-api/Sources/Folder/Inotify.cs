using System.Buffers.Binary;
using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace Waypoint.GatewayApi.Sources.Folder;

[Flags]
internal enum InotifyEvents : uint
{
    None = 0,
    CloseWrite = 0x8,
    MovedFrom = 0x40,
    MovedTo = 0x80,
    Create = 0x100,
    Delete = 0x200,
    DeleteSelf = 0x400,
    MoveSelf = 0x800,
    Overflow = 0x4000,
    Ignored = 0x8000,
    IsDirectory = 0x4000_0000,
}

internal readonly record struct InotifyEvent(int Watch, InotifyEvents Events, string Name);

/// <summary>
/// inotify(7) as it is. FileSystemWatcher does not report IN_CLOSE_WRITE, and that event is the whole point: a file that is being
/// written is looked at when its writer has closed it, not at each of its halves.
/// </summary>
internal sealed partial class Inotify : IDisposable
{
    private const int NonBlockingCloseOnExec = 0x800 | 0x80000;
    private const short PollIn = 1;
    private const int Interrupted = 4;
    private const int TryAgain = 11;
    private const int HeaderSize = 16;

    private readonly int _events;
    private readonly int _stop;
    private readonly byte[] _buffer = new byte[64 * 1024];

    public Inotify()
    {
        _events = Check(Init(NonBlockingCloseOnExec), "inotify_init1");
        _stop = Check(EventFd(0, NonBlockingCloseOnExec), "eventfd");
    }

    /// <summary>Watches a directory; -1 when it is gone or may not be read.</summary>
    public int Add(string directory, InotifyEvents events) => AddWatch(_events, directory, (uint)events);

    public void Remove(int watch) => _ = RemoveWatch(_events, watch);

    /// <summary>Blocks until something happened; false when <see cref="Stop"/> was called.</summary>
    public bool Read(List<InotifyEvent> events)
    {
        Span<PollFd> waiting = [new(_events, PollIn), new(_stop, PollIn)];
        while (true)
        {
            if (Poll(waiting, (nuint)waiting.Length, -1) < 0 && Marshal.GetLastPInvokeError() != Interrupted)
            {
                throw new Win32Exception();
            }

            if (waiting[1].Returned != 0)
            {
                return false;
            }

            nint length = ReadFile(_events, _buffer, (nuint)_buffer.Length);
            if (length > 0)
            {
                Parse(_buffer.AsSpan(0, (int)length), events);
                return true;
            }

            if (length < 0 && Marshal.GetLastPInvokeError() is not (Interrupted or TryAgain))
            {
                throw new Win32Exception();
            }
        }
    }

    public void Stop() => _ = WriteFile(_stop, BitConverter.GetBytes(1L), 8);

    public void Dispose()
    {
        _ = Close(_events);
        _ = Close(_stop);
    }

    private static void Parse(ReadOnlySpan<byte> data, List<InotifyEvent> events)
    {
        while (data.Length >= HeaderSize)
        {
            int watch = BinaryPrimitives.ReadInt32LittleEndian(data);
            uint mask = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            int nameLength = BinaryPrimitives.ReadInt32LittleEndian(data[12..]);
            ReadOnlySpan<byte> name = data.Slice(HeaderSize, nameLength);
            int end = name.IndexOf((byte)0);
            events.Add(new InotifyEvent(watch, (InotifyEvents)mask, Encoding.UTF8.GetString(end < 0 ? name : name[..end])));
            data = data[(HeaderSize + nameLength)..];
        }
    }

    private static int Check(int result, string call) =>
        result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError(), $"{call}: {Marshal.GetLastPInvokeErrorMessage()}");

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFd(int descriptor, short wanted)
    {
        public int Descriptor = descriptor;
        public short Wanted = wanted;
        public short Returned;
    }

    [LibraryImport("libc", EntryPoint = "inotify_init1", SetLastError = true)]
    private static partial int Init(int flags);

    [LibraryImport("libc", EntryPoint = "inotify_add_watch", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AddWatch(int descriptor, string path, uint mask);

    [LibraryImport("libc", EntryPoint = "inotify_rm_watch", SetLastError = true)]
    private static partial int RemoveWatch(int descriptor, int watch);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial int EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(Span<PollFd> descriptors, nuint count, int timeout);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint ReadFile(int descriptor, [Out] byte[] buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteFile(int descriptor, byte[] buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
