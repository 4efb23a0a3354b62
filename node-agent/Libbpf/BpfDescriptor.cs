using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Waypoint.NodeAgent.Libbpf;

/// <summary>A file descriptor of a map, program or link.</summary>
internal sealed partial class BpfDescriptor : SafeHandleMinusOneIsInvalid
{
    public BpfDescriptor(int descriptor)
        : base(ownsHandle: true) => SetHandle(descriptor);

    private BpfDescriptor(int descriptor, bool ownsHandle)
        : base(ownsHandle) => SetHandle(descriptor);

    /// <summary>A descriptor that a <see cref="BpfObject"/> closes.</summary>
    public static BpfDescriptor Borrowed(int descriptor) => new(descriptor, ownsHandle: false);

    /// <summary>The object pinned at <paramref name="path"/>, or null when nothing is.</summary>
    public static BpfDescriptor? FindPinned(string path)
    {
        var descriptor = Native.GetPinned(path);
        if (descriptor >= 0)
        {
            return new BpfDescriptor(descriptor);
        }

        var errno = Marshal.GetLastPInvokeError();
        return errno == Errno.NoEntry ? null : throw new LibbpfException($"open the pin {path}", errno);
    }

    /// <summary>Pins the object, in place of what was pinned there.</summary>
    public void Pin(string path)
    {
        // bpffs can rename but not pin over a pin; so that the path always leads to something, pin beside and rename.
        var beside = path + "-new";
        File.Delete(beside);
        if (Native.Pin(this, beside) < 0)
        {
            throw LibbpfException.Last($"pin {path}");
        }

        File.Move(beside, path, overwrite: true);
    }

    protected override bool ReleaseHandle() => Close((int)handle) == 0;

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
