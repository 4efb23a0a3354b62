namespace Waypoint.Proxy.Listening.ProxyProtocol;

/// <summary>
/// Tells whether a stream begins with a PROXY protocol header (haproxy's proxy-protocol.txt, versions 1 and 2) and reads it.
/// A pure function of the first bytes, so that it may be asked again as more arrive.
/// </summary>
internal static class ProxyHeaderParser
{
    /// <summary>The longest header accepted. The protocol allows 64 KiB; addresses, an identity and a checksum need a few hundred bytes.</summary>
    public const int MaximumLength = 4096;

    /// <summary>Only the bytes seen so far; <see cref="MaximumLength"/> of them always give an answer that is final.</summary>
    public static ProxyHeaderResult Parse(ReadOnlySpan<byte> bytes)
    {
        if (Begins(bytes, ProxyHeaderV2.Signature))
        {
            return bytes.Length < ProxyHeaderV2.Signature.Length ? ProxyHeaderResult.Possible : ProxyHeaderV2.Parse(bytes);
        }

        if (Begins(bytes, ProxyHeaderV1.Signature))
        {
            return bytes.Length < ProxyHeaderV1.Signature.Length ? ProxyHeaderResult.Possible : ProxyHeaderV1.Parse(bytes);
        }

        return ProxyHeaderResult.Absent;
    }

    private static bool Begins(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> signature) =>
        bytes.Length < signature.Length ? signature.StartsWith(bytes) : bytes.StartsWith(signature);
}
