using Envoy.Config.Core.V3;
using Google.Protobuf;
using Waypoint.Proxy.Xds.Translation;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Forwarding;

/// <summary>Headers whose values are made for each request.</summary>
public sealed class HeaderFormatTests
{
    [Theory]
    [InlineData("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "127.0.0.1")]
    [InlineData("%DOWNSTREAM_LOCAL_ADDRESS%", "10.96.0.1:80")]
    [InlineData("%REQ(x-b)%", "b")]
    [InlineData("<%REQ(x-none?x-b)%>", "<b>")]
    [InlineData("%PROTOCOL% 100%%", "HTTP/1.1 100%")]
    [InlineData("%REQ(x-request-id)%", "id")]
    public async Task A_request_gets_what_the_operators_say(string format, string value)
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await AskAsync(backend, [(format, "APPEND_IF_EXISTS_OR_ADD")], []);
        Assert.Contains($"\r\nx-made: {value}\r\n", backend.Request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_operator_without_a_value_makes_no_header()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await AskAsync(backend, [("%REQ(x-none)%", "APPEND_IF_EXISTS_OR_ADD")], []);
        Assert.DoesNotContain("x-made", backend.Request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("%RESPONSE_CODE%", "201")]
    [InlineData("%UPSTREAM_HOST%", "BACKEND")]
    [InlineData("%RESP(x-theirs)%", "t")]
    [InlineData("%UPSTREAM_CLUSTER%", "inbound-vip|80|http|echo.shop.svc.cluster.local")]
    public async Task An_answer_gets_what_the_operators_say(string format, string value)
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 201 Created\r\nX-Theirs: t\r\nContent-Length: 0\r\n\r\n");
        var answer = await AskAsync(backend, [], [(format, "OVERWRITE_IF_EXISTS_OR_ADD")]);
        Assert.Contains($"\r\nx-made: {value.Replace("BACKEND", backend.Address.ToString(), StringComparison.Ordinal)}\r\n", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ADD_IF_ABSENT", false, "ours")]
    [InlineData("ADD_IF_ABSENT", true, "theirs")]
    [InlineData("OVERWRITE_IF_EXISTS", false, null)]
    [InlineData("OVERWRITE_IF_EXISTS", true, "ours")]
    public async Task A_change_may_depend_on_what_is_there(string action, bool isThere, string? value)
    {
        await using var backend = RawBackend.Answering($"HTTP/1.1 200 OK\r\n{(isThere ? "x-made: theirs\r\n" : "")}Content-Length: 0\r\n\r\n");
        var answer = await AskAsync(backend, [], [("ours", action)]);
        Assert.Equal(value, answer.Split("\r\n").SingleOrDefault(line => line.StartsWith("x-made: ", StringComparison.Ordinal))?[8..]);
    }

    private static async Task<string> AskAsync(RawBackend backend, (string Value, string Action)[] request, (string Value, string Action)[] response)
    {
        var route = RouteTo(Forward(backend.Address)) with { RequestHeaders = Translate(request), ResponseHeaders = Translate(response) };
        await using var proxy = await ProxyUnderTest.StartAsync(route);
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\nx-b: b\r\nx-request-id: id\r\n\r\n");
        return await client.ReadMessageAsync();
    }

    private static Proxy.Routing.HeaderMutations Translate((string Value, string Action)[] headers) => HeaderTranslator.Translate(
        [],
        headers.Select(header => JsonParser.Default.Parse<HeaderValueOption>(
            $$"""{"header": {"key": "x-made", "value": "{{header.Value}}"}, "appendAction": "{{header.Action}}"}""")),
        new TranslationScope("test"),
        "headers_to_add");
}
