using Waypoint.Proxy.Telemetry.Expressions;
using Waypoint.Proxy.Telemetry.Formatting;

namespace Waypoint.Proxy.Tests.Telemetry.Expressions;

public sealed class CelTests
{
    /// <summary>Null for an expression without a value.</summary>
    public static TheoryData<string, string?> Expressions => new()
    {
        { "response.code >= 400", "false" },
        { "response.code >= 200 && response.code < 300", "true" },
        { "response.code == 200 || nothing.at.all", "true" },
        { "nothing.at.all || response.code == 200", "true" },
        { "nothing.at.all && response.code == 500", "false" },
        { "nothing.at.all && response.code == 200", null },
        { "!(response.code == 500)", "true" },
        { "request.headers['x-long']", "abcdefgh" },
        { "request.headers['X-Long'].startsWith('abc') && request.headers['x-long'].endsWith(\"gh\")", "true" },
        { "request.headers['x-long'].contains('cde') && request.headers['x-long'].matches('^a.*h$')", "true" },
        { "has(request.headers['nope'])", "false" },
        { "has(request.headers['x-long']) ? request.headers['x-long'] : 'none'", "abcdefgh" },
        { "has(request.headers['nope']) ? request.headers['nope'] : 'none'", "none" },
        { "'x-long' in request.headers", "true" },
        { "request.method in ['GET', 'POST']", "true" },
        { "request.method in ['GET']", "false" },
        { "destination.port == 80", "true" },
        { "request.url_path + '|' + request.query", "/p/x|c=1" },
        { "request.host", "echo" },
        { "size(request.headers['x-long']) == 8", "true" },
        { "1 + 2 * 3 - 4 / 2 % 3", "5" },
        { "-1 < 0", "true" },
        { "1.5 > 1", "true" },
        { "1 / 0", null },
        { "request.duration < duration('10s')", "true" },
        { "connection.mtls", "false" },
        { "response.code == '200'", "false" },
        { "response.code < 'a'", null },
        { "int('7') == 7 && string(7) == '7'", "true" },
        { "r'a\\b' == 'a\\\\b'", "true" },
        { "metadata.filter_metadata['ns'].deep.number == 7", "true" },
        { "downstream_peer.workload + '.' + filter_state.downstream_peer.namespace", "curl.shop" },
        { "upstream_peer.workload", "curl" },
        { "xds.cluster_name", "inbound-vip|80|http|echo.shop.svc.cluster.local" },
        { "response.code_details == 'via_upstream'", "true" },
        { "response.grpc_status == 0", null },
    };

    [Theory]
    [MemberData(nameof(Expressions))]
    public async Task An_expression_of_a_request(string expression, string? expected)
    {
        var compiled = CelExpression.Compile(expression, _ => { });
        Assert.Equal(expected, (await RecordedRequest.AtEndAsync(stream => compiled.Evaluate(stream).ToText())).Seen);
    }

    [Theory]
    [InlineData("response.code >=", "'the end' is not expected")]
    [InlineData("response.code >= 400)", "')' is not expected")]
    [InlineData("'open", "closing quote")]
    [InlineData("a # b", "'#' is not understood")]
    [InlineData("exists(x)", "'exists' is not supported")]
    [InlineData("request.path.matches('(')", "matches:")]
    [InlineData("duration('soon')", "soon")]
    public void An_expression_that_cannot_be_read_is_refused(string expression, string reason)
    {
        var error = Assert.Throws<FormatSyntaxException>(() => CelExpression.Compile(expression, _ => { }));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(", "1", ")")]
    [InlineData("!", "true", "")]
    [InlineData("false || ", "true", "")]
    [InlineData("", "1", " + 1")]
    [InlineData("", "request.headers", "['a']")]
    public void Deep_nesting_is_refused_before_the_stack_ends(string before, string within, string after)
    {
        var error = Assert.Throws<FormatSyntaxException>(() => CelExpression.Compile(Repeated(before) + within + Repeated(after), _ => { }));
        Assert.InRange(error.Message.Length, 1, 1100);

        static string Repeated(string text) => string.Concat(Enumerable.Repeat(text, 100_000));
    }

    [Fact]
    public async Task As_many_words_as_are_allowed_fit_on_the_stack()
    {
        var expression = CelExpression.Compile(string.Concat(Enumerable.Repeat("false || ", 990)) + "true", _ => { });
        Assert.True(await Task.Run(() => expression.Evaluate(default).IsTrue));
    }

    [Fact]
    public void An_attribute_that_is_not_known_is_reported()
    {
        var reported = new List<string>();
        CelExpression.Compile("xds.node.metadata == 'x' || request.path == ''", reported.Add);
        Assert.Equal(["expression attribute 'xds.node.metadata'"], reported);
    }
}
