using Waypoint.Proxy.Routing;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Forwarding;

/// <summary>What a client sends and what a backend answers arrive byte for byte.</summary>
public sealed class TransparencyTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    [Theory]
    [InlineData("/")]
    [InlineData("/a%2Fb")]
    [InlineData("/a%2fb/%41/%7e")]
    [InlineData("/a/../b")]
    [InlineData("/a/./b/")]
    [InlineData("//a//b")]
    [InlineData("/a\\b")]
    [InlineData("/a;p=1/b,c")]
    [InlineData("/a?")]
    [InlineData("/a?x=%20+&y=%zz&z=a/../b")]
    [InlineData("/%zz%")]
    [InlineData("/a[b]{c}|\"<>^`")]
    public async Task A_path_arrives_byte_for_byte(string target)
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync($"GET {target} HTTP/1.1\r\nHost: echo\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await client.ReadMessageAsync(), StringComparison.Ordinal);
        Assert.StartsWith($"GET {target} HTTP/1.1\r\nHost: echo\r\n", backend.Request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_absolute_form_goes_on_in_origin_form_with_its_authority()
    {
        var request = await ForwardAsync("GET http://echo/a/../b%2F?c HTTP/1.1\r\nHost: echo\r\n\r\n");

        Assert.StartsWith("GET /a/../b%2F?c HTTP/1.1\r\nHost: echo\r\n", request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_absolute_form_without_a_path_has_the_root()
    {
        var request = await ForwardAsync("GET http://echo?c HTTP/1.1\r\nHost: echo\r\n\r\n");

        Assert.StartsWith("GET /?c HTTP/1.1\r\n", request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("echo.shop.svc.cluster.local:8080")]
    [InlineData("ECHO")]
    [InlineData("[fd00::1]:80")]
    public async Task The_authority_is_the_clients(string host)
    {
        var request = await ForwardAsync($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");

        Assert.Contains($"\r\nHost: {host}\r\n", request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    [InlineData("PURGE")]
    [InlineData("M-SEARCH")]
    public async Task A_method_arrives_as_it_is(string method)
    {
        var request = await ForwardAsync($"{method} / HTTP/1.1\r\nHost: echo\r\n\r\n");

        Assert.StartsWith($"{method} / HTTP/1.1\r\n", request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("X-Odd-CASE: Value")]
    [InlineData("x-empty: ")]
    [InlineData("X-Latin: caf\u00e9")]
    [InlineData("X-Utf8: \u00e2\u0082\u00ac")]
    [InlineData("X-Quotes: \"a, b\"; c=\"d\"")]
    [InlineData("X-Punctuation: !#$%&'*+-.^_`|~(),/:;<=>?@[\\]{}")]
    [InlineData("Cookie: a=1; b=2")]
    [InlineData("Authorization: Bearer abc")]
    [InlineData("Proxy-Authorization: Basic abc")]
    [InlineData("Upgrade-Insecure-Requests: 1")]
    [InlineData("Accept-Encoding: gzip, br;q=0.5")]
    [InlineData("If-None-Match: W/\"a\"")]
    [InlineData("Forwarded: for=1.2.3.4")]
    [InlineData("X-Forwarded-For: 1.2.3.4, 5.6.7.8")]
    [InlineData("X-Content-Length: 5")]
    [InlineData("User-Agent: a/1 (b; c) d")]
    [InlineData("Date: yesterday")]
    [InlineData("Max-Forwards: 3")]
    [InlineData("Via: 1.0 fred, 1.1 p.example.net")]
    [InlineData("Range: bytes=0-1,5-9")]
    [InlineData("Cache-Control: no-cache=\"a,b\", x")]
    public async Task A_request_header_arrives_byte_for_byte(string header)
    {
        var request = await ForwardAsync($"GET / HTTP/1.1\r\nHost: echo\r\n{header}\r\n\r\n");

        Assert.Contains($"\r\n{header}\r\n", request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("X-Odd-CASE: Value")]
    [InlineData("x-empty: ")]
    [InlineData("X-Latin: caf\u00e9")]
    [InlineData("X-Utf8: \u00e2\u0082\u00ac")]
    [InlineData("Set-Cookie: a=1; Path=/; Expires=Wed, 21 Oct 2015 07:28:00 GMT\r\nSet-Cookie: b=2")]
    [InlineData("X-Twice: 1\r\nX-Twice: 2")]
    [InlineData("ETag: W/\"x\"")]
    [InlineData("Date: Tue, 15 Nov 1994 08:12:31 GMT")]
    [InlineData("WWW-Authenticate: Basic realm=\"a, b\", Digest x=1")]
    [InlineData("Proxy-Authenticate: Basic")]
    [InlineData("Alt-Svc: h3=\":443\"")]
    [InlineData("Content-Type: text/html;charset=utf-8;x")]
    [InlineData("Content-Encoding: gzip")]
    [InlineData("Expires: 0")]
    [InlineData("Vary: *")]
    [InlineData("Access-Control-Allow-Origin: *")]
    public async Task A_response_header_arrives_byte_for_byte(string header)
    {
        var response = await AnswerAsync($"HTTP/1.1 200 OK\r\n{header}\r\nContent-Length: 2\r\n\r\nok");

        Assert.Contains($"\r\n{header}\r\n", response, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nok", response, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("200 OK")]
    [InlineData("200 Fine by me")]
    [InlineData("299 Odd")]
    [InlineData("404 Not Found")]
    [InlineData("418 I'm a teapot")]
    [InlineData("500 Internal Server Error")]
    [InlineData("599 Beyond")]
    public async Task A_status_line_arrives_as_it_is(string status)
    {
        var response = await AnswerAsync($"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");

        Assert.StartsWith($"HTTP/1.1 {status}\r\n", response, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Connection: X-B, x-a\r\nX-A: 1", "X-A")]
    [InlineData("Connection: x-b\r\nConnection: x-a\r\nX-A: 1", "X-A")]
    [InlineData("Keep-Alive: timeout=5", "Keep-Alive")]
    [InlineData("Proxy-Connection: keep-alive", "Proxy-Connection")]
    [InlineData("TE: gzip", "TE")]
    [InlineData("Trailer: X-T", "Trailer")]
    [InlineData("X-Envoy-Retry-On: 5xx", "X-Envoy-Retry-On")]
    [InlineData("X-Envoy-Max-Retries: 100", "X-Envoy-Max-Retries")]
    [InlineData("X-Envoy-Upstream-Rq-Timeout-Ms: 1", "X-Envoy-Upstream-Rq-Timeout-Ms")]
    [InlineData("X-Envoy-Internal: true", "X-Envoy-Internal")]
    [InlineData("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ", "HTTP2-Settings")]
    [InlineData("Connection: Upgrade\r\nUpgrade: h2c", "Upgrade")]
    public async Task A_request_header_of_the_connection_stops_here(string headers, string name)
    {
        var request = await ForwardAsync($"GET / HTTP/1.1\r\nHost: echo\r\n{headers}\r\n\r\n");

        Assert.DoesNotContain($"\r\n{name}:", request, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("Connection: X-Secret\r\nX-Secret: 1", "X-Secret")]
    [InlineData("Keep-Alive: timeout=5", "Keep-Alive")]
    [InlineData("Proxy-Connection: keep-alive", "Proxy-Connection")]
    [InlineData("Upgrade: h2c", "Upgrade")]
    public async Task A_response_header_of_the_connection_stops_here(string headers, string name)
    {
        var response = await AnswerAsync($"HTTP/1.1 200 OK\r\n{headers}\r\nContent-Length: 0\r\n\r\n");

        Assert.DoesNotContain($"\r\n{name}:", response, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_client_cannot_have_removed_what_the_proxy_tells_the_backend()
    {
        await using var backend = RawBackend.Answering(Ok);
        var route = RouteTo(Forward(backend.Address)) with { RequestHeaders = new HeaderMutations([], [KeyValuePair.Create("x-user", "alice")], []) };
        await using var proxy = await ProxyUnderTest.StartAsync(route);
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\nX-User: root\r\nConnection: X-User, X-Forwarded-Proto\r\n\r\n");
        await client.ReadMessageAsync();

        Assert.Contains("\r\nx-user: alice\r\n", backend.Request, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Forwarded-Proto: http\r\n", backend.Request, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_client_cannot_say_which_certificate_it_showed()
    {
        var request = await ForwardAsync("GET / HTTP/1.1\r\nHost: echo\r\nX-Forwarded-Client-Cert: URI=spiffe://td/ns/a/sa/admin\r\n\r\n");

        Assert.DoesNotContain("spiffe:", request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Paths_are_sent_with_the_slashes_that_the_chain_asks_for_or_refused()
    {
        await using var backend = RawBackend.Answering(Ok);
        var chain = ChainOf(RouteTo(Forward(backend.Address)));
        await using var proxy = await ProxyUnderTest.StartAsync(
            new Proxy.Mesh.HttpChain { Name = "c", Routes = chain.Routes, PathForm = PathForm.Normal | PathForm.MergedSlashes | PathForm.UnescapedSlashes });
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync("GET //a%2Fb/../c?d=//e%2F HTTP/1.1\r\nHost: echo\r\n\r\n");
        await client.ReadMessageAsync();
        Assert.StartsWith("GET /a/c?d=//e%2F HTTP/1.1\r\n", backend.Request, StringComparison.Ordinal);

        proxy.Chain = new Proxy.Mesh.HttpChain { Name = "c", Routes = chain.Routes, RejectsEscapedSlashes = true };
        await client.SendAsync("GET /a%2fb HTTP/1.1\r\nHost: echo\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400", await client.ReadMessageAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_cannot_have_its_host_or_request_id_removed()
    {
        var request = await ForwardAsync("GET / HTTP/1.1\r\nHost: echo\r\nX-Request-Id: mine\r\nConnection: Host, X-Request-Id\r\n\r\n");

        Assert.Contains("\r\nHost: echo\r\n", request, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Request-ID: mine\r\n", request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task That_trailers_are_accepted_is_passed_on()
    {
        var request = await ForwardAsync("GET / HTTP/1.1\r\nHost: echo\r\nTE: trailers, gzip\r\nConnection: TE\r\n\r\n");

        Assert.Contains("\r\nTE: trailers\r\n", request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_without_an_id_gets_one_and_a_scheme()
    {
        var request = await ForwardAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");

        Assert.Matches("\r\nX-Request-ID: [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\r\n", request);
        Assert.Contains("\r\nX-Forwarded-Proto: http\r\n", request, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task The_server_header_and_the_service_time_are_the_proxys()
    {
        var response = await AnswerAsync("HTTP/1.1 200 OK\r\nServer: mine\r\nContent-Length: 0\r\n\r\n");

        Assert.Contains("\r\nServer: istio-envoy\r\n", response, StringComparison.Ordinal);
        Assert.DoesNotContain("mine", response, StringComparison.Ordinal);
        Assert.Matches("\r\nx-envoy-upstream-service-time: [0-9]+\r\n", response);
    }

    [Fact]
    public async Task A_get_without_a_body_stays_without_one()
    {
        var request = await ForwardAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");

        Assert.DoesNotContain("Content-Length", request, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Transfer-Encoding", request, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    [InlineData("DELETE")]
    public async Task A_body_with_a_length_keeps_it(string method)
    {
        var request = await ForwardAsync($"{method} / HTTP/1.1\r\nHost: echo\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");

        Assert.Contains("\r\nContent-Length: 5\r\n", request, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Type: text/plain\r\n", request, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nhello", request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_chunked_body_arrives_chunked()
    {
        var request = await ForwardAsync("POST / HTTP/1.1\r\nHost: echo\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");

        Assert.Contains("\r\nTransfer-Encoding: chunked\r\n", request, StringComparison.Ordinal);
        var body = request[(request.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        Assert.Equal("abcde", string.Concat(body.Split("\r\n").Where((_, i) => i % 2 == 1)));
        Assert.EndsWith("\r\n0\r\n\r\n", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_body_with_a_length_keeps_it()
    {
        var request = await ForwardAsync("POST / HTTP/1.1\r\nHost: echo\r\nContent-Length: 0\r\nContent-Type: a/b\r\n\r\n");

        Assert.Contains("\r\nContent-Length: 0\r\n", request, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Type: a/b\r\n", request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n")]
    [InlineData("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nX-A: 1\r\n\r\n")]
    [InlineData("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\nX-A: 1\r\n\r\n")]
    public async Task An_answer_without_a_body_has_none(string answer)
    {
        await using var backend = RawBackend.Answering(answer);
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET /1 HTTP/1.1\r\nHost: echo\r\n\r\n");
        var first = await client.ReadMessageAsync(hasBody: false);
        await client.SendAsync("GET /2 HTTP/1.1\r\nHost: echo\r\n\r\n");
        var second = await client.ReadMessageAsync(hasBody: false);

        Assert.StartsWith(answer.Split('\r')[0], first, StringComparison.Ordinal);
        Assert.StartsWith(answer.Split('\r')[0], second, StringComparison.Ordinal);
        Assert.DoesNotContain("Transfer-Encoding", first, StringComparison.Ordinal);
        Assert.Equal(answer.Contains("Content-Length: 10", StringComparison.Ordinal), first.Contains("Content-Length: 10", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_answer_to_a_head_keeps_the_length_of_what_a_get_would_bring()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("HEAD / HTTP/1.1\r\nHost: echo\r\n\r\n");

        Assert.Contains("\r\nContent-Length: 1234\r\n", await client.ReadMessageAsync(hasBody: false), StringComparison.Ordinal);
        await client.SendAsync("HEAD / HTTP/1.1\r\nHost: echo\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 OK", await client.ReadMessageAsync(hasBody: false), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_that_ends_with_its_connection_arrives_whole()
    {
        await using var backend = RawBackend.Serving(async connection =>
        {
            await connection.ReadMessageAsync();
            await connection.SendAsync("HTTP/1.0 200 OK\r\nX-A: 1\r\n\r\nall of it");
        });
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");

        Assert.EndsWith("\r\n9\r\nall of it\r\n0\r\n\r\n", await client.ReadMessageAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_sent_in_one_go_are_answered_in_order()
    {
        await using var backend = RawBackend.Answering(request => $"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{request.Split(' ')[1]}");
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync(string.Concat(Enumerable.Range(1, 3).Select(i => $"GET /{i} HTTP/1.1\r\nHost: echo\r\n\r\n")));

        for (var i = 1; i <= 3; i++)
        {
            Assert.EndsWith($"\r\n\r\n/{i}", await client.ReadMessageAsync(), StringComparison.Ordinal);
        }
    }

    // What the stack below changes, pinned down so that a change of it is noticed.

    [Fact]
    public async Task Exception__lines_of_one_request_header_are_joined()
    {
        var request = await ForwardAsync("GET / HTTP/1.1\r\nHost: echo\r\nX-Twice: 1\r\nX-Twice: 2\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n");

        Assert.Contains("\r\nX-Twice: 1, 2\r\n", request, StringComparison.Ordinal);
        Assert.Contains("\r\nCookie: a=1; b=2\r\n", request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("keep-alive, X-A")]
    [InlineData("close, X-A")]
    public async Task Exception__kestrel_forgets_what_stands_beside_keep_alive_and_close(string connection)
    {
        var request = await ForwardAsync($"GET / HTTP/1.1\r\nHost: echo\r\nConnection: {connection}\r\nX-A: 1\r\n\r\n");

        Assert.Contains("\r\nX-A: 1\r\n", request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exception__well_known_header_names_get_their_usual_case()
    {
        var request = await ForwardAsync("GET / HTTP/1.1\r\nhost: echo\r\naccept: a/b\r\n\r\n");

        Assert.Contains("\r\nAccept: a/b\r\n", request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exception__a_post_without_a_length_gets_one()
    {
        var request = await ForwardAsync("POST / HTTP/1.1\r\nHost: echo\r\n\r\n");

        Assert.Contains("\r\nContent-Length: 0\r\n", request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exception__trailers_of_a_request_are_lost()
    {
        var request = await ForwardAsync("POST / HTTP/1.1\r\nHost: echo\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\n\r\n");

        Assert.EndsWith("\r\n1\r\na\r\n0\r\n\r\n", request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exception__trailers_of_an_answer_are_lost_on_http1_and_not_announced()
    {
        var response = await AnswerAsync("HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\n\r\n");

        Assert.DoesNotContain("Trailer", response, StringComparison.Ordinal);
        Assert.EndsWith("\r\n1\r\na\r\n0\r\n\r\n", response, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exception__early_hints_are_not_passed_on()
    {
        var response = await AnswerAsync("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", response, StringComparison.Ordinal);
    }

    private static async Task<string> ForwardAsync(string request)
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync(request);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await client.ReadMessageAsync(), StringComparison.Ordinal);
        return backend.Request;
    }

    private static async Task<string> AnswerAsync(string answer)
    {
        await using var backend = RawBackend.Answering(answer);
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
        return await client.ReadMessageAsync();
    }
}
