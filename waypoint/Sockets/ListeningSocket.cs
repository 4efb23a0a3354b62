using System.ComponentModel;
using System.Net;
using System.Runtime.InteropServices;

namespace Waypoint.Proxy.Sockets;

/// <summary>
/// A listening socket for both IP versions that keeps the SYN of every connection (TCP_SAVE_SYN), where the kernel engine
/// writes the original destination.
/// </summary>
internal sealed unsafe class ListeningSocket
{
    private const int Backlog = 4096;

    private readonly int _descriptor;

    public ListeningSocket(IPEndPoint local)
    {
        var isV4 = local.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;
        _descriptor = Libc.Socket(isV4 ? Linux.InternetV4 : Linux.InternetV6, Linux.Stream | Linux.NonBlocking | Linux.CloseOnExec, 0);
        Check(_descriptor, "socket", local);
        if (!isV4)
        {
            Set(Linux.IPv6Level, Linux.IPv6Only, 0, local);
        }

        // Accepted sockets inherit the rest: set once here, no call per connection.
        Set(Linux.SocketLevel, Linux.ReuseAddress, 1, local);
        Set(Linux.TcpLevel, Linux.TcpNoDelay, 1, local);
        Set(Linux.TcpLevel, Linux.TcpSaveSyn, 1, local);
        TcpKeepAlive.Enable(_descriptor);
        var address = local.Serialize();
        fixed (byte* bytes = address.Buffer.Span)
        {
            Check(Libc.Bind(_descriptor, bytes, address.Size), "bind", local);
        }

        Check(Libc.Listen(_descriptor, Backlog), "listen", local);
        var length = SocketAddressing.MaximumSize;
        var name = stackalloc byte[SocketAddressing.MaximumSize];
        Check(Libc.GetSocketName(_descriptor, name, &length), "getsockname", local);
        LocalEndPoint = SocketAddressing.Read(new ReadOnlySpan<byte>(name, length));
    }

    /// <summary>What was bound: the port is a real one even if 0 was asked for.</summary>
    public IPEndPoint LocalEndPoint { get; }

    /// <summary>Whoever waits for it (<see cref="LoopSocket"/>) closes it.</summary>
    public int Descriptor => _descriptor;

    /// <summary>Takes one connection.</summary>
    /// <param name="peer">Who connected, when the result is a descriptor.</param>
    /// <returns>A non-blocking descriptor, or the negative errno.</returns>
    public int Accept(out IPEndPoint? peer)
    {
        var bytes = stackalloc byte[SocketAddressing.MaximumSize];
        var length = SocketAddressing.MaximumSize;
        var accepted = Libc.Accept(_descriptor, bytes, &length, Linux.NonBlocking | Linux.CloseOnExec);
        if (accepted < 0)
        {
            peer = null;
            return -Marshal.GetLastPInvokeError();
        }

        peer = SocketAddressing.Read(new ReadOnlySpan<byte>(bytes, length));
        return accepted;
    }

    /// <summary>
    /// Lets no new handshake begin while those under way still finish: a filter on the socket drops every SYN. Closing a listening
    /// socket resets what waits in its queue, so a clean end is this, then accepting until the queue is empty, then closing.
    /// A dropped SYN is sent again a second later and meets whoever listens then.
    /// </summary>
    public void RefuseNewHandshakes()
    {
        // Classic BPF; the packet begins at the TCP header, whose flags are its 14th byte.
        ReadOnlySpan<SocketFilter> program =
        [
            new(0x30, 0, 0, 13), // A = flags
            new(0x54, 0, 0, 0x12), // A &= SYN | ACK
            new(0x15, 0, 1, 0x02), // a SYN alone
            new(0x06, 0, 0, 0), // drop
            new(0x06, 0, 0, uint.MaxValue), // keep
        ];
        fixed (SocketFilter* instructions = program)
        {
            var filter = new SocketFilterProgram { Length = (ushort)program.Length, Instructions = instructions };
            Check(
                Libc.SetSocketOption(_descriptor, Linux.SocketLevel, Linux.AttachFilter, (byte*)&filter, sizeof(SocketFilterProgram)),
                "setsockopt(SO_ATTACH_FILTER)",
                LocalEndPoint);
        }
    }

    private void Set(int level, int name, int value, IPEndPoint local) =>
        Check(Libc.SetSocketOption(_descriptor, level, name, (byte*)&value, sizeof(int)), "setsockopt", local);

    private static void Check(int result, string call, IPEndPoint local)
    {
        if (result < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"Cannot listen on {local}: {call}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    private readonly record struct SocketFilter(ushort Code, byte JumpTrue, byte JumpFalse, uint Operand);

    [StructLayout(LayoutKind.Sequential)]
    private struct SocketFilterProgram
    {
        public ushort Length;
        public SocketFilter* Instructions;
    }
}
