using System.Globalization;
using System.Runtime.InteropServices;

namespace Waypoint.NodeAgent.Libbpf;

/// <summary>A call into libbpf or bpf(2) that failed: what was tried, the errno and what libbpf and the verifier said.</summary>
internal sealed class LibbpfException : Exception
{
    public LibbpfException(string action, int errno, string log = "")
        : base(Describe(action, errno, log)) => Errno = errno;

    /// <summary>With the errno of the call that just failed on this thread.</summary>
    public static LibbpfException Last(string action, string log = "") => new(action, Marshal.GetLastPInvokeError(), log);

    /// <summary>The positive errno.</summary>
    public int Errno { get; }

    private static string Describe(string action, int errno, string log)
    {
        var message = string.Create(CultureInfo.InvariantCulture, $"{action}: {Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})");
        return log.Length == 0 ? message : $"{message}\n{log.TrimEnd()}";
    }
}

/// <summary>The errno values that callers act upon; the same on x86-64 and arm64.</summary>
internal static class Errno
{
    public const int NoEntry = 2;
    public const int TooBig = 7;
    public const int Exists = 17;
    public const int Invalid = 22;
    public const int NoSpace = 28;
}
