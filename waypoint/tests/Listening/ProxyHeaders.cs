using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Waypoint.Proxy.Tests.Listening;

/// <summary>Builds PROXY headers of version 2, good ones and bad ones.</summary>
internal static class ProxyHeaders
{
    private static readonly byte[] Signature = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A];

    public static byte[] V2(IPEndPoint source, IPEndPoint destination, params (byte Type, byte[] Value)[] tlvs)
    {
        var isV4 = source.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;
        return V2(0x21, (byte)(isV4 ? 0x11 : 0x21), [.. Addresses(source, destination), .. tlvs.SelectMany(t => Tlv(t.Type, t.Value))]);
    }

    public static byte[] V2(byte versionAndCommand, byte family, byte[] body, int? claimedLength = null)
    {
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)(claimedLength ?? body.Length));
        return [.. Signature, versionAndCommand, family, .. length, .. body];
    }

    public static byte[] Addresses(IPEndPoint source, IPEndPoint destination) =>
        [.. source.Address.GetAddressBytes(), .. destination.Address.GetAddressBytes(), .. Port(source), .. Port(destination)];

    public static byte[] Tlv(byte type, byte[] value) => [type, (byte)(value.Length >> 8), (byte)value.Length, .. value];

    public static byte[] Principal(string uri) => Encoding.UTF8.GetBytes(uri);

    private static byte[] Port(IPEndPoint endpoint) => [(byte)(endpoint.Port >> 8), (byte)endpoint.Port];
}
