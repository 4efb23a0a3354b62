using System.Net;
using System.Net.Http.Headers;
using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Tests.Grpc;

/// <summary>The server against requests that no good client sends, and the texts of the protocol.</summary>
public sealed class GrpcWireTests : IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private GrpcServer _server = null!;

    public async Task InitializeAsync() => _server = await EchoService.StartAsync();

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData(new byte[] { 1, 0, 0, 0, 1, 0 }, null, GrpcStatusCode.Internal)]
    [InlineData(new byte[] { 1, 0, 0, 0, 1, 0 }, "gzip", GrpcStatusCode.Unimplemented)]
    [InlineData(new byte[] { 1, 0, 0, 0, 1, 0 }, "identity", GrpcStatusCode.Internal)]
    [InlineData(new byte[] { 2, 0, 0, 0, 1, 0 }, "gzip", GrpcStatusCode.Internal)]
    [InlineData(new byte[] { 0, 0, 0, 0 }, null, GrpcStatusCode.Internal)]
    [InlineData(new byte[] { 0, 0, 0, 0, 9, 10 }, null, GrpcStatusCode.Internal)]
    [InlineData(new byte[] { 0, 0, 0, 0, 2, 10, 9 }, null, GrpcStatusCode.Internal)]
    [InlineData(new byte[] { 0, 255, 255, 255, 255 }, null, GrpcStatusCode.ResourceExhausted)]
    [InlineData(new byte[] { }, null, GrpcStatusCode.Internal)]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, null, GrpcStatusCode.Internal)]
    [InlineData(new byte[] { 0, 0, 0, 0, 0 }, "gzip", GrpcStatusCode.Ok)]
    public async Task A_malformed_request_is_answered_with_its_status(byte[] body, string? encoding, GrpcStatusCode expected)
    {
        using var response = await SendAsync(request =>
        {
            request.Content = Grpc(body);
            if (encoding is not null)
            {
                request.Headers.Add("grpc-encoding", encoding);
            }
        });
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await response.Content.ReadAsByteArrayAsync();
        var headers = response.TrailingHeaders.Contains("grpc-status") ? response.TrailingHeaders : response.Headers;
        Assert.Equal($"{(int)expected}", headers.GetValues("grpc-status").Single());
    }

    [Fact]
    public async Task A_grpc_timeout_that_cannot_be_read_is_an_error()
    {
        using var response = await SendAsync(request =>
        {
            request.Content = Grpc([0, 0, 0, 0, 0]);
            request.Headers.Add("grpc-timeout", "soon");
        });
        Assert.Equal("13", response.Headers.GetValues("grpc-status").Single());
        Assert.Equal("grpc-timeout cannot be read: soon", response.Headers.GetValues("grpc-message").Single());
    }

    [Fact]
    public async Task What_is_not_grpc_gets_an_http_status()
    {
        using var text = await SendAsync(request => request.Content = new StringContent("hello"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, text.StatusCode);
        using var web = await SendAsync(request => request.Content = Grpc([0, 0, 0, 0, 0], "application/grpc-web"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, web.StatusCode);
        using var get = await SendAsync(request => request.Method = HttpMethod.Get);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, get.StatusCode);
    }

    [Theory]
    [InlineData("application/grpc+proto")]
    [InlineData("application/grpc;charset=utf-8")]
    public async Task Variants_of_the_content_type_are_grpc(string contentType)
    {
        using var response = await SendAsync(request => request.Content = Grpc([0, 0, 0, 0, 0], contentType));
        await response.Content.ReadAsByteArrayAsync();
        Assert.Equal("0", response.TrailingHeaders.GetValues("grpc-status").Single());
    }

    [Theory]
    [InlineData("1H", 3_600_000)]
    [InlineData("2M", 120_000)]
    [InlineData("3S", 3_000)]
    [InlineData("4m", 4)]
    [InlineData("99999999m", 99_999_999)]
    [InlineData("99999999H", 3_600_000_000)]
    public void A_timeout_is_read(string text, double milliseconds)
    {
        Assert.True(GrpcTimeout.TryParse(text, out var timeout));
        Assert.Equal(milliseconds, timeout.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("S")]
    [InlineData("-1S")]
    [InlineData("1x")]
    [InlineData("123456789S")]
    public void A_bad_timeout_is_not_read(string text) => Assert.False(GrpcTimeout.TryParse(text, out _));

    [Theory]
    [InlineData(1, "1u")]
    [InlineData(99_999_999, "99999999u")]
    [InlineData(100_000_001, "100001m")]
    [InlineData(0, "1n")]
    [InlineData(200_000_000_000, "200000S")]
    public void A_timeout_is_written_in_at_most_eight_digits(long microseconds, string expected)
        => Assert.Equal(expected, GrpcTimeout.Format(TimeSpan.FromMicroseconds(microseconds)));

    [Theory]
    [InlineData("plain text", "plain text")]
    [InlineData("100%", "100%25")]
    [InlineData("ü\n", "%C3%BC%0A")]
    public void A_status_message_is_percent_encoded(string text, string wire)
    {
        Assert.Equal(wire, StatusMessage.Encode(text));
        Assert.Equal(text, StatusMessage.Decode(wire));
    }

    [Theory]
    [InlineData("50%", "50%")]
    [InlineData("%zz%41", "%zzA")]
    [InlineData("ü%41", "üA")]
    public void A_status_message_that_is_wrongly_encoded_stays_readable(string wire, string text) => Assert.Equal(text, StatusMessage.Decode(wire));

    private static ByteArrayContent Grpc(byte[] body, string contentType = "application/grpc")
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        return content;
    }

    private async Task<HttpResponseMessage> SendAsync(Action<HttpRequestMessage> change)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{_server.EndPoint}{EchoService.Unary.Path}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        change(request);
        return await _http.SendAsync(request);
    }
}
