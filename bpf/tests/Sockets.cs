using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Waypoint.TestBed;

namespace Waypoint.Bpf.Tests;

/// <summary>Sockets in pods, and the parts of the socket API that .NET does not have or hides behind its own state.</summary>
internal static unsafe partial class Sockets
{
    public const int NoError = 0;
    public const int InProgress = 115;
    public const int ConnectionRefused = 111;
    public const int HostUnreachable = 113;
    public const int NetworkUnreachable = 101;
    public const int AddressFamilyNotSupported = 97;

    private const int SolTcp = 6;
    private const int TcpSaveSyn = 27;
    private const int TcpSavedSyn = 28;
    private const int SolSocket = 1;
    private const int SoNetnsCookie = 71;
    private const int SoCookie = 57;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    /// <summary>A listener at the pod's address of that family, on a free port, that keeps the SYN of each connection.</summary>
    public static Socket Listen(Pod pod, AddressFamily family = AddressFamily.InterNetwork, int port = 0)
    {
        var listener = pod.CreateSocket(family);
        listener.SetRawSocketOption(SolTcp, TcpSaveSyn, BitConverter.GetBytes(1));
        listener.Bind(new IPEndPoint(family == AddressFamily.InterNetwork ? pod.Address4 : pod.Address6, port));
        listener.Listen(1024);
        return listener;
    }

    /// <summary>getsockname(2) itself: .NET does not know that <see cref="TryConnect"/> has bound the socket.</summary>
    public static IPEndPoint Address(this Socket socket) => Name(GetSockName, socket);

    /// <summary>A client socket of the pod that fails instead of waiting for ever.</summary>
    public static Socket Client(Pod pod, AddressFamily family = AddressFamily.InterNetwork)
    {
        var socket = pod.CreateSocket(family);
        socket.NoDelay = true;
        socket.ReceiveTimeout = socket.SendTimeout = (int)Deadline.TotalMilliseconds;
        return socket;
    }

    /// <summary>A Multipath TCP socket, for which .NET has no name.</summary>
    public static Socket MultipathClient(Pod pod)
    {
        const int Stream = 1;
        const int Multipath = 262;
        // The first lends this process to the bed's cgroup.
        Client(pod).Dispose();
        return pod.Run(() => new Socket(new SafeSocketHandle(OpenSocket((int)AddressFamily.InterNetwork, Stream, Multipath), ownsHandle: true)));
    }

    public static Socket Connected(Pod pod, IPEndPoint destination)
    {
        var socket = Client(pod, destination.AddressFamily);
        Assert.Equal(NoError, socket.TryConnect(destination));
        return socket;
    }

    public static Socket AcceptOne(this Socket listener)
    {
        Assert.True(listener.Poll(Deadline, SelectMode.SelectRead), "no connection arrived");
        var socket = listener.Accept();
        socket.ReceiveTimeout = socket.SendTimeout = (int)Deadline.TotalMilliseconds;
        return socket;
    }

    /// <summary>connect(2) itself: .NET forbids a second attempt on one socket.</summary>
    /// <returns>The errno, 0 for success.</returns>
    public static int TryConnect(this Socket socket, IPEndPoint destination) =>
        Connect(socket.SafeHandle, SocketAddressOf(destination)) < 0 ? Marshal.GetLastPInvokeError() : NoError;

    /// <summary>connect(2) to AF_UNSPEC: gives the socket back its unconnected state.</summary>
    public static void Dissolve(this Socket socket) => Assert.Equal(0, Connect(socket.SafeHandle, new byte[16]));

    /// <summary>getpeername(2) itself: .NET remembers what it was told to connect to.</summary>
    public static IPEndPoint PeerName(this Socket socket) => Name(GetPeerName, socket);

    /// <summary>The headers of the connection's SYN, from the IP header on.</summary>
    public static byte[] SavedSyn(this Socket accepted)
    {
        var buffer = new byte[256];
        return buffer[..accepted.GetRawSocketOption(SolTcp, TcpSavedSyn, buffer)];
    }

    /// <summary>The TCP option of that kind in a SYN's headers, kind and length included.</summary>
    public static byte[]? TcpOption(byte[] headers, byte kind)
    {
        var tcp = headers[0] >> 4 == 4 ? (headers[0] & 0xf) * 4 : 40;
        var end = tcp + ((headers[tcp + 12] >> 4) * 4);
        for (var at = tcp + 20; at < end && headers[at] != 0; at += headers[at] == 1 ? 1 : headers[at + 1])
        {
            if (headers[at] == kind)
            {
                return headers[at..(at + headers[at + 1])];
            }
        }

        return null;
    }

    public static ulong NetworkNamespaceCookie(this Socket socket) => UInt64Option(socket, SoNetnsCookie);

    public static ulong Cookie(this Socket socket) => UInt64Option(socket, SoCookie);

    /// <summary>Reads until the peer's FIN.</summary>
    public static byte[] ReadToEnd(this Socket socket)
    {
        using var all = new MemoryStream();
        var buffer = new byte[64 * 1024];
        for (int read; (read = socket.Receive(buffer)) > 0;)
        {
            all.Write(buffer, 0, read);
        }

        return all.ToArray();
    }

    public static byte[] ReadExactly(this Socket socket, int length)
    {
        var bytes = new byte[length];
        for (var read = 0; read < length;)
        {
            var more = socket.Receive(bytes.AsSpan(read));
            Assert.True(more > 0, $"the peer closed after {read} of {length} bytes");
            read += more;
        }

        return bytes;
    }

    /// <summary>sendmsg(2) with MSG_FASTOPEN: connects and sends in one call.</summary>
    public static int SendFastOpen(this Socket socket, IPEndPoint destination, byte[] bytes)
    {
        const int MessageFastOpen = 0x20000000;
        var address = SocketAddressOf(destination);
        return (int)SendTo(socket.SafeHandle, bytes, bytes.Length, MessageFastOpen, address, address.Length);
    }

    /// <summary>sendfile(2) itself: .NET's wants to have connected the socket.</summary>
    public static void SendWholeFile(this Socket socket, string path)
    {
        using var file = File.OpenHandle(path);
        for (var rest = RandomAccess.GetLength(file); rest > 0;)
        {
            var sent = SendFile(socket.SafeHandle, file, 0, (nint)rest);
            Assert.True(sent > 0, $"sendfile: errno {Marshal.GetLastPInvokeError()}");
            rest -= sent;
        }
    }

    public static byte[] SocketAddressOf(IPEndPoint endPoint)
    {
        var serialized = endPoint.Serialize();
        return serialized.Buffer[..serialized.Size].ToArray();
    }

    private delegate int NameCall(SafeHandle socket, byte[] address, ref int length);

    private static IPEndPoint Name(NameCall call, Socket socket)
    {
        var address = new byte[28];
        var length = address.Length;
        Assert.Equal(0, call(socket.SafeHandle, address, ref length));
        return EndPointOf(address);
    }

    private static IPEndPoint EndPointOf(byte[] address)
    {
        var port = BinaryPrimitives.ReadUInt16BigEndian(address.AsSpan(2));
        return address[0] == (int)AddressFamily.InterNetwork
            ? new IPEndPoint(new IPAddress(address.AsSpan(4, 4)), port)
            : new IPEndPoint(new IPAddress(address.AsSpan(8, 16)), port);
    }

    private static ulong UInt64Option(Socket socket, int option)
    {
        Span<byte> value = stackalloc byte[8];
        socket.GetRawSocketOption(SolSocket, option, value);
        return BitConverter.ToUInt64(value);
    }

    private static int Connect(SafeHandle socket, byte[] address) => Connect(socket, address, address.Length);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int OpenSocket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    private static partial int Connect(SafeHandle socket, byte[] address, int length);

    [LibraryImport("libc", EntryPoint = "getpeername", SetLastError = true)]
    private static partial int GetPeerName(SafeHandle socket, byte[] address, ref int length);

    [LibraryImport("libc", EntryPoint = "getsockname", SetLastError = true)]
    private static partial int GetSockName(SafeHandle socket, byte[] address, ref int length);

    [LibraryImport("libc", EntryPoint = "sendfile", SetLastError = true)]
    private static partial nint SendFile(SafeHandle socket, SafeHandle file, nint offset, nint length);

    [LibraryImport("libc", EntryPoint = "sendto", SetLastError = true)]
    private static partial nint SendTo(SafeHandle socket, byte[] bytes, nint length, int flags, byte[] address, int addressLength);
}
