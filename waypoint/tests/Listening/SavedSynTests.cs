using System.Net;
using Waypoint.Proxy.Listening;

namespace Waypoint.Proxy.Tests.Listening;

public sealed class SavedSynTests
{
    // MSS 1460, SACK permitted, timestamps, no-operation, window scale 7: what Linux sends, 20 bytes.
    private static readonly byte[] Usual = [2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7];
    private static readonly byte[] DestinationV4 = [254, 10, 0x57, 0x50, 10, 96, 0, 1, 0x1f, 0x90];
    private static readonly byte[] DestinationV6 =
        [254, 20, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x1f, 0x90];

    [Fact]
    public void The_destination_is_found_beside_the_usual_options()
    {
        var expected = IPEndPoint.Parse("10.96.0.1:8080");
        Assert.Equal(expected, SavedSyn.FindDestination(V4([.. Usual, .. DestinationV4, 0, 0])));
        Assert.Equal(expected, SavedSyn.FindDestination(V4([.. DestinationV4, .. Usual, 1, 1])));
        Assert.Equal(expected, SavedSyn.FindDestination(V6([.. Usual, .. DestinationV4, 0, 0])));
        Assert.Equal(IPEndPoint.Parse("[fd00::1]:8080"), SavedSyn.FindDestination(V6([.. Usual, .. DestinationV6])));
    }

    [Fact]
    public void IPv4_options_before_the_TCP_header_are_passed_over() =>
        Assert.Equal(
            IPEndPoint.Parse("10.96.0.1:8080"),
            SavedSyn.FindDestination([0x46, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 1, 1, 0, .. Tcp([.. DestinationV4, 0, 0])]));

    [Fact]
    public void IPv6_extension_headers_before_the_TCP_header_are_passed_over() =>
        Assert.Equal(
            IPEndPoint.Parse("[fd00::1]:8080"),
            SavedSyn.FindDestination([0x60, 0, 0, 0, 0, 0, 0, 64, .. new byte[32], 60, 0, 1, 4, 0, 0, 0, 0, 6, 1, 1, 12, .. new byte[12], .. Tcp([.. Usual, .. DestinationV6])]));

    [Fact]
    public void A_mapped_address_is_IPv4() =>
        Assert.Equal(
            IPEndPoint.Parse("10.96.0.1:8080"),
            SavedSyn.FindDestination(V6([254, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 96, 0, 1, 0x1f, 0x90])));

    public static TheoryData<string, byte[]> Without => new()
    {
        { "no option of ours", V4(Usual) },
        { "no options", V4([]) },
        { "another experiment under kind 254", V4([254, 10, 0x12, 0x34, 10, 96, 0, 1, 0x1f, 0x90, 0, 0]) },
        { "kind 254 of another length", V4([254, 8, 0x57, 0x50, 10, 96, 0, 1]) },
        { "after the end of the list", V4([0, 1, .. DestinationV4]) },
        { "an option of length zero before it", V4([8, 0, .. DestinationV4]) },
        { "an option of length one before it", V4([8, 1, .. DestinationV4]) },
        { "an option that reaches past the header", V4([254, 40, 0x57, 0x50]) },
        { "a kind without a length at the very end", V4([1, 1, 1, 254]) },
        { "a header that claims more than is there", V4(DestinationV4, claimedWords: 15) },
        { "a header that claims less than the least", V4(DestinationV4, claimedWords: 4) },
        { "UDP", [0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, .. new byte[8], .. Tcp(DestinationV4)] },
        { "IP version 5", [0x55, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, .. new byte[8], .. Tcp(DestinationV4)] },
        { "an IPv6 extension that never ends", [0x60, 0, 0, 0, 0, 0, 0, 64, .. new byte[32], 60, 255, 0, 0] },
        { "nothing", [] },
        { "half an IPv4 header", [0x45, 0, 0] },
        { "half an IPv6 header", [0x60, 0, 0, 0, 0, 0, 6] },
    };

    [Theory]
    [MemberData(nameof(Without))]
    public void Without_the_option_or_with_a_malformed_list_there_is_no_destination(string what, byte[] packet)
    {
        // The name is there for the report.
        Assert.NotEmpty(what);
        Assert.Null(SavedSyn.FindDestination(packet));
    }

    [Fact]
    public void No_part_of_a_packet_is_read_past_its_end()
    {
        var packet = V6([.. Usual, .. DestinationV6]);
        for (var length = 0; length < packet.Length; length++)
        {
            Assert.Null(SavedSyn.FindDestination(packet.AsSpan(0, length)));
        }
    }

    private static byte[] V4(byte[] options, int? claimedWords = null) =>
        [0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, .. Tcp(options, claimedWords)];

    private static byte[] V6(byte[] options) => [0x60, 0, 0, 0, 0, 0, 6, 64, .. new byte[32], .. Tcp(options)];

    private static byte[] Tcp(byte[] options, int? claimedWords = null) =>
        [0x9c, 0x40, 0x3a, 0xf0, 1, 2, 3, 4, 0, 0, 0, 0, (byte)((claimedWords ?? (5 + ((options.Length + 3) / 4))) << 4), 2, 0xfa, 0xf0, 0, 0, 0, 0, .. options, .. new byte[(4 - (options.Length % 4)) % 4]];
}
