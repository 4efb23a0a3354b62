using Google.Protobuf;
using Google.Protobuf.Collections;
using Waypoint.Proxy.Telemetry.AccessLogging;
using Waypoint.Proxy.Telemetry.Formatting;
using Waypoint.Proxy.Tests.Telemetry;
using Waypoint.Proxy.Xds.Translation;
using Waypoint.Xds.Delta;
using Wire = Envoy.Config.Accesslog.V3;

namespace Waypoint.Proxy.Tests.Xds;

public sealed class AccessLogTranslationTests
{
    private const string File = "\"name\":\"f\",\"typedConfig\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog\",\"path\":\"/dev/stdout\"}";
    private const string Cel = "\"typedConfig\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter\",\"expression\":";

    private readonly TranslationScope _scope = new("Listener 'l'");

    /// <summary>Filters, and whether they let a request pass that was answered 200 without flags, sent with the header x-long.</summary>
    public static TheoryData<string, bool> Filters => new()
    {
        { """{"statusCodeFilter":{"comparison":{"op":"GE","value":{"defaultValue":400}}}}""", false },
        { """{"statusCodeFilter":{"comparison":{"op":"EQ","value":{"defaultValue":200}}}}""", true },
        { """{"statusCodeFilter":{"comparison":{"op":"LE","value":{"defaultValue":199}}}}""", false },
        { """{"durationFilter":{"comparison":{"op":"GE","value":{"defaultValue":60000}}}}""", false },
        { """{"notHealthCheckFilter":{}}""", true },
        { """{"runtimeFilter":{"runtimeKey":"k","percentSampled":{"numerator":100}}}""", true },
        { """{"runtimeFilter":{"runtimeKey":"k","percentSampled":{"numerator":0}}}""", false },
        { """{"headerFilter":{"header":{"name":"x-long","stringMatch":{"prefix":"abc"}}}}""", true },
        { """{"headerFilter":{"header":{"name":"x-long","stringMatch":{"prefix":"b"}}}}""", false },
        { """{"responseFlagFilter":{"flags":["NR","UF","DI"]}}""", false },
        { """{"responseFlagFilter":{}}""", false },
        { """{"grpcStatusFilter":{"statuses":["UNKNOWN"]}}""", true },
        { """{"grpcStatusFilter":{"statuses":["UNKNOWN"],"exclude":true}}""", false },
        { "{\"extensionFilter\":{\"name\":\"cel\"," + Cel + "\"response.code >= 400\"}}}", false },
        { "{\"extensionFilter\":{\"name\":\"cel\"," + Cel + "\"response.code == 200\"}}}", true },
        { "{\"extensionFilter\":{\"name\":\"cel\"," + Cel + "\"request.headers['nope'] == 'x'\"}}}", false },
        { """{"andFilter":{"filters":[{"notHealthCheckFilter":{}},{"responseFlagFilter":{"flags":["NR"]}}]}}""", false },
        { """{"orFilter":{"filters":[{"notHealthCheckFilter":{}},{"responseFlagFilter":{"flags":["NR"]}}]}}""", true },
    };

    [Theory]
    [MemberData(nameof(Filters))]
    public async Task A_filter_decides_who_gets_a_line(string filter, bool allows)
    {
        var logger = Assert.Single(Translate($$"""{ {{File}}, "filter": {{filter}} }"""));
        Assert.Equal(allows, (await RecordedRequest.AtEndAsync(logger.Filter!.Allows)).Seen);
        Assert.Empty(_scope.UnsupportedFeatures);
    }

    [Fact]
    public async Task The_line_is_the_configured_one()
    {
        var logger = Assert.Single(Translate(
            """{"name":"o","typedConfig":{"@type":"type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StderrAccessLog","logFormat":{"jsonFormat":{"code":"%RESPONSE_CODE%"}}}}"""));
        Assert.Equal("/dev/stderr", logger.Path);
        var line = await RecordedRequest.AtEndAsync(stream =>
        {
            var output = new LineBuffer();
            logger.Format.Write(stream, output);
            return System.Text.Encoding.UTF8.GetString(output.Written);
        });
        Assert.Equal("{\"code\":200}\n", line.Seen);
    }

    [Fact]
    public void A_logger_that_is_not_known_is_reported_by_name()
    {
        Assert.Empty(Translate("""{"name":"wasm","typedConfig":{"@type":"type.googleapis.com/google.protobuf.StringValue","value":"x"}}"""));
        Assert.Equal("google.protobuf.StringValue", Assert.Single(_scope.UnsupportedFeatures).Feature);
    }

    [Theory]
    [InlineData("\"filter\":{\"responseFlagFilter\":{\"flags\":[\"XX\"]}}", "'XX'")]
    [InlineData("\"filter\":{\"extensionFilter\":{\"name\":\"cel\"," + Cel + "\"response.code >\"}}}", "response.code >")]
    [InlineData("\"filter\":{\"statusCodeFilter\":{}}", "status_code_filter.comparison: missing")]
    public void A_filter_that_cannot_be_read_is_refused(string filter, string reason)
    {
        var error = Assert.Throws<ResourceException>(() => Translate($"{{ {File}, {filter} }}"));
        Assert.Contains("access_log[0] 'f'", error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_format_with_an_unknown_operator_is_refused()
    {
        var log = File.Replace("\"path\"", "\"logFormat\":{\"textFormatSource\":{\"inlineString\":\"%NOPE%\"}},\"path\"", StringComparison.Ordinal);
        var error = Assert.Throws<ResourceException>(() => Translate($"{{ {log} }}"));
        Assert.Contains("%NOPE%", error.Message, StringComparison.Ordinal);
    }

    private System.Collections.Immutable.ImmutableArray<AccessLogger> Translate(string json) => AccessLogTranslator.Translate(
        new RepeatedField<Wire.AccessLog> { new JsonParser(JsonParser.Settings.Default.WithTypeRegistry(ResourceJson.Types)).Parse<Wire.AccessLog>(json) }, _scope);
}
