using System.Runtime.InteropServices;

namespace Waypoint.TestBed;

/// <summary>The system calls that .NET has no name for.</summary>
internal static partial class NativeMethods
{
    internal const int CloneNewNet = 0x40000000;

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    internal static partial int SetNamespace(SafeHandle namespaceFile, int kind);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    internal static partial int Kill(int process, int signal);

    /// <summary>Throws what the last failed call left in errno, with the object it was about.</summary>
    internal static IOException Failed(string what) =>
        new($"{what}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
}
