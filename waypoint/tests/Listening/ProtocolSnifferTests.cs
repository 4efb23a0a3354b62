using System.Text;
using Waypoint.Proxy.Listening;

namespace Waypoint.Proxy.Tests.Listening;

public sealed class ProtocolSnifferTests
{
    [Theory]
    [InlineData("GET / HTTP/1.1\r\n", "Http1")]
    [InlineData("GET /", "Http1")]
    [InlineData("get /lower HTTP/1.0\r\n", "Http1")]
    [InlineData("M-SEARCH * HTTP/1.1\r\n", "Http1")]
    [InlineData("GET http://shop/ HTTP/1.1\r\n", "Http1")]
    [InlineData("CONNECT shop:443 HTTP/1.1\r\n", "Http1")]
    [InlineData("\r\nGET / HTTP/1.1\r\n", "Http1")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "Http2")]
    [InlineData("PRI * HTTP/2.0", "Http2")]
    [InlineData("\x16\x03\x01\x02\x00\x01", "Tls")]
    [InlineData("\x16\x04", "Opaque")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", "Opaque")]
    [InlineData("EHLO mail.example\r\n", "Opaque")]
    [InlineData("SET key value\r\n", "Opaque")]
    [InlineData("GET key\r\n", "Opaque")]
    [InlineData("GET /\r\n", "Opaque")]
    [InlineData("*1\r\n$4\r\nPING\r\n", "Opaque")]
    [InlineData(" GET / HTTP/1.1\r\n", "Opaque")]
    [InlineData("\0\0\0\x08\x04\xd2\x16\x2f", "Opaque")]
    [InlineData("ABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1\r\n", "Opaque")]
    public void First_bytes_tell_the_protocol_of_an_undeclared_port(string bytes, string protocol) =>
        Assert.Equal(protocol, ProtocolSniffer.Classify(Encoding.Latin1.GetBytes(bytes), isDeclaredHttp: false).ToString());

    [Theory]
    [InlineData("GET nonsense\r\n", "Http1")]
    [InlineData("EHLO mail.example\r\n", "Http1")]
    [InlineData("\x16\x03\x01", "Tls")]
    [InlineData("\0\x01\x02", "Opaque")]
    [InlineData("(GET) / HTTP/1.1\r\n", "Opaque")]
    public void On_a_declared_port_a_bad_request_line_is_left_to_the_HTTP_server(string bytes, string protocol) =>
        Assert.Equal(protocol, ProtocolSniffer.Classify(Encoding.Latin1.GetBytes(bytes), isDeclaredHttp: true).ToString());

    [Theory]
    [InlineData("GET http://shop/ HTTP/1.1\r\n", 7)]
    [InlineData("OPTIONS /", 8)]
    [InlineData("PRI * HTTP/2.0\r\n", 13)]
    [InlineData("\x16\x03", 1)]
    [InlineData("\r\n\r\n", 4)]
    public void Too_few_bytes_decide_nothing(string bytes, int upTo)
    {
        var all = Encoding.Latin1.GetBytes(bytes);
        for (var length = 1; length <= upTo; length++)
        {
            Assert.Equal(SniffedProtocol.Undecided, ProtocolSniffer.Classify(all.AsSpan(0, length), isDeclaredHttp: false));
        }
    }
}
