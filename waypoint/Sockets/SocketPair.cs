using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Waypoint.Proxy.Sockets;

/// <summary>
/// Two sockets that are joined: what enters one leaves the other. One end lives on an event loop like a TCP connection; the other is for code
/// that has bytes from elsewhere.
/// </summary>
internal static unsafe class SocketPair
{
    /// <param name="far">The descriptor of the end for the loop, non-blocking.</param>
    /// <returns>The other end, non-blocking too.</returns>
    /// <exception cref="Win32Exception">The process has no descriptor left.</exception>
    public static Socket Create(out int far)
    {
        var ends = stackalloc int[2];
        if (Libc.SocketPair(Linux.Local, Linux.Stream | Linux.NonBlocking | Linux.CloseOnExec, 0, ends) < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"socketpair failed: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        far = ends[1];
        return new Socket(new SafeSocketHandle(ends[0], ownsHandle: true)) { Blocking = false };
    }
}
