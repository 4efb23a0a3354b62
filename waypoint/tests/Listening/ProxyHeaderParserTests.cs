using System.Net;
using System.Text;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.Listening.ProxyProtocol;

namespace Waypoint.Proxy.Tests.Listening;

public sealed class ProxyHeaderParserTests
{
    private static readonly IPEndPoint Source = new(IPAddress.Parse("192.0.2.1"), 1234);
    private static readonly IPEndPoint Destination = new(IPAddress.Parse("10.96.0.1"), 80);
    private static readonly IPEndPoint SourceV6 = new(IPAddress.Parse("2001:db8::1"), 1234);
    private static readonly IPEndPoint DestinationV6 = new(IPAddress.Parse("fd00::1"), 80);

    [Fact]
    public void Both_families_are_read_in_both_versions()
    {
        AssertReads(ProxyHeaders.V2(Source, Destination), Source, Destination);
        AssertReads(ProxyHeaders.V2(SourceV6, DestinationV6), SourceV6, DestinationV6);
        AssertReads("PROXY TCP4 192.0.2.1 10.96.0.1 1234 80\r\n"u8, Source, Destination);
        AssertReads("PROXY TCP6 2001:db8::1 fd00::1 1234 80\r\n"u8, SourceV6, DestinationV6);
    }

    [Fact]
    public void An_IPv4_address_mapped_into_IPv6_is_an_IPv4_address() =>
        AssertReads(
            ProxyHeaders.V2(new IPEndPoint(Source.Address.MapToIPv6(), 1234), new IPEndPoint(Destination.Address.MapToIPv6(), 80)),
            Source,
            Destination);

    [Fact]
    public void A_header_that_names_nobody_is_skipped_whole()
    {
        AssertReads(ProxyHeaders.V2(0x20, 0x11, [1, 2, 3]), null, null);
        AssertReads(ProxyHeaders.V2(0x21, 0x00, [0xff, 0xff, 0xff]), null, null);
        AssertReads("PROXY UNKNOWN whatever it says\r\n"u8, null, null);
        AssertReads("PROXY UNKNOWN\r\n"u8, null, null);
    }

    [Fact]
    public void The_principal_is_kept_and_unknown_values_are_skipped()
    {
        var header = ProxyHeaders.V2(Source, Destination, (0x04, new byte[3]), (0xD0, ProxyHeaders.Principal("spiffe://td/ns/a/sa/b")), (0xEE, []));
        Assert.Equal("spiffe://td/ns/a/sa/b", ProxyHeaderParser.Parse(header).Header!.Principal);
    }

    [Fact]
    public void A_checksum_is_verified_when_there_is_one()
    {
        var header = ProxyHeaders.V2(Source, Destination, (0x03, new byte[4]), (0xD0, ProxyHeaders.Principal("spiffe://td/ns/a/sa/b")));
        var crc = Crc32cBitByBit(header);
        for (var i = 0; i < 4; i++)
        {
            header[31 + i] = (byte)(crc >> (24 - (8 * i)));
        }

        Assert.Equal(ProxyHeaderStatus.Complete, ProxyHeaderParser.Parse(header).Status);
        header[^1] ^= 1;
        Assert.Equal(RejectionReason.ProxyHeaderChecksum, ProxyHeaderParser.Parse(header).Reason);
    }

    [Fact]
    public void Every_shorter_part_of_a_header_waits_for_more()
    {
        byte[][] headers =
        [
            ProxyHeaders.V2(Source, Destination, (0xD0, ProxyHeaders.Principal("spiffe://td/ns/a/sa/b"))),
            "PROXY TCP4 192.0.2.1 10.96.0.1 1234 80\r\n"u8.ToArray(),
        ];
        foreach (var header in headers)
        {
            for (var length = 1; length < header.Length; length++)
            {
                var status = ProxyHeaderParser.Parse(header.AsSpan(0, length)).Status;
                Assert.True(status is ProxyHeaderStatus.Possible or ProxyHeaderStatus.Incomplete, $"{length} bytes: {status}");
            }

            Assert.Equal(header.Length, ProxyHeaderParser.Parse([.. header, 1, 2, 3]).Header!.Length);
        }
    }

    public static TheoryData<string, byte[], string> Malformed => new()
    {
        { "version 1 in a version 2 frame", ProxyHeaders.V2(0x11, 0x11, new byte[12]), nameof(RejectionReason.ProxyHeaderVersion) },
        { "version 3", ProxyHeaders.V2(0x31, 0x11, new byte[12]), nameof(RejectionReason.ProxyHeaderVersion) },
        { "command 2", ProxyHeaders.V2(0x22, 0x11, new byte[12]), nameof(RejectionReason.ProxyHeaderCommand) },
        { "command 15", ProxyHeaders.V2(0x2f, 0x11, new byte[12]), nameof(RejectionReason.ProxyHeaderCommand) },
        { "UDP over IPv4", ProxyHeaders.V2(0x21, 0x12, new byte[12]), nameof(RejectionReason.ProxyHeaderFamily) },
        { "a Unix socket", ProxyHeaders.V2(0x21, 0x31, new byte[216]), nameof(RejectionReason.ProxyHeaderFamily) },
        { "family 15", ProxyHeaders.V2(0x21, 0xf1, new byte[12]), nameof(RejectionReason.ProxyHeaderFamily) },
        { "too short for IPv4", ProxyHeaders.V2(0x21, 0x11, new byte[11]), nameof(RejectionReason.ProxyHeaderLength) },
        { "IPv4 addresses under the family IPv6", ProxyHeaders.V2(0x21, 0x21, new byte[12]), nameof(RejectionReason.ProxyHeaderLength) },
        { "longer than is accepted", ProxyHeaders.V2(0x21, 0x11, new byte[12], claimedLength: 65535), nameof(RejectionReason.ProxyHeaderTooLong) },
        { "half a TLV", ProxyHeaders.V2(0x21, 0x11, new byte[14]), nameof(RejectionReason.ProxyHeaderTlv) },
        { "a TLV that reaches past the end", ProxyHeaders.V2(0x21, 0x11, [.. new byte[12], 0xD0, 0, 2, 65]), nameof(RejectionReason.ProxyHeaderTlv) },
        { "two principals", ProxyHeaders.V2(Source, Destination, (0xD0, [65]), (0xD0, [66])), nameof(RejectionReason.ProxyHeaderTlv) },
        { "a principal that is not UTF-8", ProxyHeaders.V2(Source, Destination, (0xD0, [0xff])), nameof(RejectionReason.ProxyHeaderTlv) },
        { "a checksum of three bytes", ProxyHeaders.V2(Source, Destination, (0x03, new byte[3])), nameof(RejectionReason.ProxyHeaderTlv) },
        { "a wrong checksum", ProxyHeaders.V2(Source, Destination, (0x03, new byte[4])), nameof(RejectionReason.ProxyHeaderChecksum) },
        { "v1: 108 bytes without an end", Line("PROXY TCP4 " + new string('1', 97)), nameof(RejectionReason.ProxyHeaderTooLong) },
        { "v1: an end past the limit", Line("PROXY UNKNOWN " + new string('x', 92) + "\r\n"), nameof(RejectionReason.ProxyHeaderTooLong) },
        { "v1: UDP", Line("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n"), nameof(RejectionReason.ProxyHeaderFamily) },
        { "v1: a port missing", Line("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"), nameof(RejectionReason.ProxyHeaderSyntax) },
        { "v1: a port too many", Line("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n"), nameof(RejectionReason.ProxyHeaderSyntax) },
        { "v1: a port out of range", Line("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n"), nameof(RejectionReason.ProxyHeaderSyntax) },
        { "v1: a signed port", Line("PROXY TCP4 1.2.3.4 1.2.3.4 1 +2\r\n"), nameof(RejectionReason.ProxyHeaderSyntax) },
        { "v1: IPv6 under TCP4", Line("PROXY TCP4 ::1 ::1 1 2\r\n"), nameof(RejectionReason.ProxyHeaderSyntax) },
        { "v1: a short form of IPv4", Line("PROXY TCP4 127.1 127.1 1 2\r\n"), nameof(RejectionReason.ProxyHeaderSyntax) },
        { "v1: a name", Line("PROXY TCP4 localhost localhost 1 2\r\n"), nameof(RejectionReason.ProxyHeaderSyntax) },
        { "v1: two spaces", Line("PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n"), nameof(RejectionReason.ProxyHeaderSyntax) },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void A_malformed_header_is_told_by_its_fault(string what, byte[] bytes, string reason)
    {
        var result = ProxyHeaderParser.Parse(bytes);
        Assert.True(result is { Status: ProxyHeaderStatus.Malformed, Reason: { } fault } && fault.ToString() == reason, $"{what}: {result}");
    }

    [Fact]
    public void A_signature_with_another_tail_is_no_header()
    {
        var header = ProxyHeaders.V2(Source, Destination);
        for (var i = 0; i < 12; i++)
        {
            var wrong = (byte[])header.Clone();
            wrong[i] ^= 0x20;
            Assert.Equal(ProxyHeaderStatus.Absent, ProxyHeaderParser.Parse(wrong).Status);
        }

        Assert.Equal(ProxyHeaderStatus.Absent, ProxyHeaderParser.Parse("PROXYTCP4"u8).Status);
        Assert.Equal(ProxyHeaderStatus.Absent, ProxyHeaderParser.Parse("GET / HTTP/1.1\r\n"u8).Status);
    }

    private static byte[] Line(string text) => Encoding.ASCII.GetBytes(text);

    private static void AssertReads(ReadOnlySpan<byte> bytes, IPEndPoint? source, IPEndPoint? destination)
    {
        var result = ProxyHeaderParser.Parse(bytes);
        Assert.Equal(ProxyHeaderStatus.Complete, result.Status);
        Assert.Equal(bytes.Length, result.Header!.Length);
        Assert.Equal(source, result.Header.Source);
        Assert.Equal(destination, result.Header.Destination);
    }

    /// <summary>The definition of CRC32c, to hold the fast one against.</summary>
    private static uint Crc32cBitByBit(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var one in bytes)
        {
            crc ^= one;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0x82F63B78;
            }
        }

        return ~crc;
    }
}
