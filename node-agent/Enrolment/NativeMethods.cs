using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Waypoint.NodeAgent.Enrolment;

/// <summary>The calls about network namespaces for which .NET has none.</summary>
internal static partial class NativeMethods
{
    public const int ReadOnly = 0;
    public const int CloseOnExec = 0x80000;

    /// <summary>CLONE_NEWNET: refuse anything that is no network namespace.</summary>
    public const int NetworkNamespace = 0x40000000;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    public static partial int SetNamespace(SafeFileHandle descriptor, int type);
}
