using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Waypoint.NodeAgent.Intent;
using Waypoint.NodeAgent.Workloads;
using AddressFamily = System.Net.Sockets.AddressFamily;

namespace Waypoint.NodeAgent.Enrolment;

/// <summary>What a network namespace says of itself when asked from inside.</summary>
/// <param name="Cookie">The kernel's number for it, never used again for another.</param>
internal sealed record NetworkNamespace(ulong Cookie, PodAddresses Addresses)
{
    private const int SocketLevel = 1;
    private const int NamespaceCookieOption = 71;

    /// <summary>The cookie of the namespace that this process is in.</summary>
    public static ulong OwnCookie { get; } = ReadCookie();

    /// <exception cref="EnrolmentException">There is no network namespace at that path.</exception>
    public static NetworkNamespace Inspect(string path) =>
        Inside(path, () => new NetworkNamespace(ReadCookie(), ReadAddresses()));

    /// <summary>Asks for the cookie only. False when there is no network namespace at that path.</summary>
    public static bool TryReadCookie(string path, out ulong cookie)
    {
        try
        {
            cookie = Inside(path, ReadCookie);
            return true;
        }
        catch (EnrolmentException)
        {
            cookie = 0;
            return false;
        }
    }

    // A thread that entered a namespace is of no use to anyone else, so each visit is a thread's whole life.
    private static T Inside<T>(string path, Func<T> read)
    {
        T? result = default;
        Exception? failure = null;
        var visitor = new Thread(() =>
        {
            try
            {
                Enter(path);
                result = read();
            }
            catch (Exception exception) when (exception is EnrolmentException or SocketException or NetworkInformationException)
            {
                failure = exception;
            }
        })
        {
            IsBackground = true,
            Name = "netns visitor",
        };
        visitor.Start();
        visitor.Join();
        return failure switch
        {
            null => result!,
            EnrolmentException => throw failure,
            _ => throw new EnrolmentException($"{path}: {failure.Message}", EnrolmentFailure.NoNamespace),
        };
    }

    private static void Enter(string path)
    {
        using SafeFileHandle descriptor = NativeMethods.Open(path, NativeMethods.ReadOnly | NativeMethods.CloseOnExec);
        if (descriptor.IsInvalid || NativeMethods.SetNamespace(descriptor, NativeMethods.NetworkNamespace) < 0)
        {
            throw new EnrolmentException(
                $"{path} is no network namespace that can be entered: {Marshal.GetLastPInvokeErrorMessage()}.", EnrolmentFailure.NoNamespace);
        }
    }

    private static ulong ReadCookie()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        Span<byte> cookie = stackalloc byte[sizeof(ulong)];
        socket.GetRawSocketOption(SocketLevel, NamespaceCookieOption, cookie);
        return BitConverter.IsLittleEndian
            ? BinaryPrimitives.ReadUInt64LittleEndian(cookie)
            : BinaryPrimitives.ReadUInt64BigEndian(cookie);
    }

    private static PodAddresses ReadAddresses()
    {
        InternetAddress? ipv4 = null;
        InternetAddress? ipv6 = null;
        foreach (IPAddress address in NetworkInterface.GetAllNetworkInterfaces()
            .Where(device => device.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(device => device.GetIPProperties().UnicastAddresses)
            .Select(unicast => unicast.Address))
        {
            if (address.AddressFamily == AddressFamily.InterNetwork)
            {
                ipv4 ??= InternetAddress.From(address);
            }
            else if (!address.IsIPv6LinkLocal)
            {
                ipv6 ??= InternetAddress.From(address);
            }
        }

        return new PodAddresses(ipv4, ipv6);
    }
}
