using System.Text;
using Waypoint.Proxy.Hbone.Outbound;

namespace Waypoint.Proxy.Tests.Hbone;

public sealed class HpackTests
{
    [Fact]
    public void A_CONNECT_has_a_method_and_an_authority_and_no_path() => Assert.Equal(
        [0x02, 7, .. "CONNECT"u8, 0x01, 13, .. "10.1.2.3:8080"u8, 0x00, 3, .. "x-a"u8, 1, .. "b"u8],
        Hpack.Connect("10.1.2.3:8080", [new("x-a", "b")]));

    [Theory]
    [InlineData(126, new byte[] { 126 })]
    [InlineData(127, new byte[] { 0x7f, 0 })]
    [InlineData(254, new byte[] { 0x7f, 0x7f })]
    [InlineData(255, new byte[] { 0x7f, 0x80, 1 })]
    public void A_long_value_has_its_length_in_several_octets(int length, byte[] prefix)
    {
        var block = Hpack.Connect("a:1", [new("n", new string('v', length))]);
        Assert.Equal([0, 1, (byte)'n', .. prefix, .. Encoding.ASCII.GetBytes(new string('v', length))], block[14..]);
    }

    [Theory]
    [InlineData("88", 200)]
    [InlineData("89", 204)]
    [InlineData("8c", 400)]
    [InlineData("8e", 500)]
    [InlineData("2088", 200)]
    [InlineData("0803343031", 401)]
    [InlineData("4803353033", 503)]
    [InlineData("1803353033", 503)]
    [InlineData("48826801", 401)]
    [InlineData("48826402", 302)]
    [InlineData("4883640eff", 307)]
    [InlineData("00073a73746174757303353033", 503)]
    [InlineData("0085b8848d36a303353033", 503)]
    [InlineData("0f2e01628c", 400)]
    [InlineData("", 0)]
    [InlineData("0001610162", 0)]
    public void A_status_is_read_whatever_its_form(string hex, int status) => Assert.Equal(status, Hpack.ReadStatus(Convert.FromHexString(hex)));

    [Theory]
    [InlineData("be")]
    [InlineData("80")]
    [InlineData("7f000161")]
    [InlineData("08")]
    [InlineData("080335")]
    [InlineData("0803352b33")]
    [InlineData("4881ff")]
    [InlineData("007f0061")]
    [InlineData("ffffffffffffff")]
    public void What_cannot_be_read_is_an_error(string hex) =>
        Assert.Equal(Http2Error.Compression, Assert.Throws<Http2ProtocolException>(() => Hpack.ReadStatus(Convert.FromHexString(hex))).Error);

    [Fact]
    public void Every_status_in_Huffman_code_is_read()
    {
        for (var status = 100; status < 1000; status++)
        {
            var bits = string.Concat($"{status}".Select(c => c <= '2' ? Convert.ToString(c - '0', 2).PadLeft(5, '0') : Convert.ToString(c - '3' + 0x19, 2).PadLeft(6, '0')));
            var padded = bits.PadRight((bits.Length + 7) / 8 * 8, '1');
            byte[] octets = [.. padded.Chunk(8).Select(octet => Convert.ToByte(new string(octet), 2))];
            Assert.Equal(status, Hpack.ReadStatus([0x48, (byte)(0x80 | octets.Length), .. octets]));
        }
    }
}
