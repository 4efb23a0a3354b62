using Waypoint.TestBed.Traffic;

namespace Waypoint.Mesh.Tests;

/// <summary>What a client wrote is what the backend reads. Port 81 answers with the very bytes that it received.</summary>
[Collection(WholeMesh.Name)]
public sealed class TransparencyTests(DemoMesh demo)
{
    [Theory]
    [InlineData("/a%2Fb")]
    [InlineData("/a/../b/./c")]
    [InlineData("//double//slash")]
    [InlineData("/sp%20ace;p=1?q=a%26b&&empty=&=v#")]
    [InlineData("/%e2%82%AC?%zz")]
    public async Task A_path_arrives_as_it_was_sent(string path)
    {
        string received = await ReceivedAsync($"GET {path} HTTP/1.1\r\nHost: echo\r\n\r\n");

        Assert.StartsWith($"GET {path} HTTP/1.1\r\n", received, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Header_names_keep_their_case_and_headers_their_number_and_order()
    {
        string received = await ReceivedAsync(
            "GET / HTTP/1.1\r\nhOsT: Echo.Shop\r\nX-Odd-CASE: 1\r\nX-Empty:\r\nX-Twice: one\r\nX-Twice: two\r\nX-Spaces: a  b\r\n\r\n");

        string[] lines = received.Split("\r\n");
        Assert.Contains("hOsT: Echo.Shop", lines);
        Assert.Contains("X-Odd-CASE: 1", lines);
        Assert.Contains(lines, line => line.TrimEnd() == "X-Empty:");
        Assert.Equal(["X-Twice: one", "X-Twice: two"], lines.Where(line => line.StartsWith("X-Twice", StringComparison.Ordinal)));
        Assert.Contains("X-Spaces: a  b", lines);
    }

    [Fact]
    public async Task Trailers_of_a_request_arrive()
    {
        string received = await ReceivedAsync(
            "POST / HTTP/1.1\r\nHost: echo\r\nTrailer: X-Checksum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Checksum: 42\r\n\r\n");

        Assert.Contains("X-Checksum: 42\r\n", received[received.IndexOf("\r\n\r\n", StringComparison.Ordinal)..], StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_body_of_a_megabyte_arrives_whole()
    {
        string body = new('z', 1024 * 1024);

        string received = await ReceivedAsync($"PUT / HTTP/1.1\r\nHost: echo\r\nContent-Length: {body.Length}\r\n\r\n{body}");

        Assert.EndsWith($"\r\n\r\n{body}", received, StringComparison.Ordinal);
    }

    private async Task<string> ReceivedAsync(string request)
    {
        HttpAnswer answer = await HttpConnection.OnceAsync(demo.Client, "echo.shop", 81, request);
        Assert.Equal(200, answer.Status);
        return answer.Text;
    }
}
