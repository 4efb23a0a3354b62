using Waypoint.TestBed;
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
    [InlineData("/sp%20ace;p=1?q=a%26b&&empty=&=v")]
    [InlineData("/%e2%82%AC?%zz")]
    public async Task A_path_arrives_as_it_was_sent(string path)
    {
        string received = await ReceivedAsync($"GET {path} HTTP/1.1\r\nHost: echo\r\n\r\n");

        Assert.StartsWith($"GET {path} HTTP/1.1\r\n", received, StringComparison.Ordinal);
    }

    // Kestrel spells the names that it knows in its own way and HttpClient joins repeated headers into one line: the same to every
    // recipient that follows RFC 9110 (5.1, 5.3).
    [Fact]
    public async Task Headers_keep_the_case_of_their_names_their_values_and_their_order()
    {
        string received = await ReceivedAsync(
            "GET / HTTP/1.1\r\nHost: Echo.Shop\r\nX-Odd-CASE: 1\r\nX-Empty:\r\nX-Twice: one\r\nX-Twice: two\r\nX-Spaces: a  b\r\n\r\n");

        string[] lines = [.. received.Split("\r\n").Select(line => line.TrimEnd())];
        Assert.Contains("Host: Echo.Shop", lines);
        Assert.Contains("X-Odd-CASE: 1", lines);
        Assert.Contains("X-Empty:", lines);
        Assert.Contains("X-Spaces: a  b", lines);
        Assert.Equal("one, two", string.Join(", ", lines.Where(line => line.StartsWith("X-Twice: ", StringComparison.Ordinal)).Select(line => line[9..])));
    }

    [Fact]
    public async Task Trailers_of_an_answer_over_http2_arrive()
    {
        ProcessResult curl = await demo.Client.RunAsync(
            "curl", ["--silent", "--show-error", "--max-time", "10", "--http2-prior-knowledge", "--verbose", "http://echo.shop:7070/?trailer=42"]);

        Assert.Contains("< x-echo-trailer: 42", curl.Error, StringComparison.Ordinal);
    }

    // Kestrel reads "+4" as 4, which RFC 9110 (8.6) does not allow. What matters is that the next reader cannot read it otherwise.
    [Fact]
    public async Task A_content_length_with_a_sign_goes_on_without_it()
    {
        string received = await ReceivedAsync("POST / HTTP/1.1\r\nHost: echo\r\nContent-Length: +4\r\n\r\nabcd");

        Assert.Contains("\r\nContent-Length: 4\r\n", received, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nabcd", received, StringComparison.Ordinal);
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
