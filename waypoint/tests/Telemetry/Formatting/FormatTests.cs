using System.Net;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tcp;
using Waypoint.Proxy.Telemetry;
using Waypoint.Proxy.Telemetry.Formatting;

namespace Waypoint.Proxy.Tests.Telemetry.Formatting;

/// <summary>What each operator writes for a request that went by, as a real Envoy 1.39 does.</summary>
public sealed class FormatTests
{
    [Theory]
    [InlineData("%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%", "POST /p/x?c=1 HTTP/1.1")]
    [InlineData("%REQ(X-LONG):4%|%REQ(nope?x-long):3%|%REQ(nope)%", "abcd|abc|-")]
    [InlineData("%REQ(x-dup)%|%REQ(x-empty)%|%REQ(:authority)%|%REQ(:scheme)%", "one||echo|http")]
    [InlineData("%RESP(X-BACK)%|%RESP(:status)%|%TRAILER(a)%", "yes|200|-")]
    [InlineData("%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG% %RESPONSE_CODE_DETAILS%", "200 - - via_upstream")]
    [InlineData("%CONNECTION_TERMINATION_DETAILS% %UPSTREAM_TRANSPORT_FAILURE_REASON%", "- -")]
    [InlineData("%BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_REQUEST_ATTEMPT_COUNT%", "3 5 1")]
    [InlineData("%UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %UPSTREAM_PROTOCOL%", "BACKEND 127.0.0.1 HTTP/1.1")]
    [InlineData("%UPSTREAM_CLUSTER_RAW%", "inbound-vip|80|http|echo.shop.svc.cluster.local")]
    [InlineData("%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_PORT% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%", "10.0.0.1:0 0 127.0.0.1")]
    [InlineData("%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_PORT%", "10.96.0.1:80 10.96.0.1 80")]
    [InlineData("%ROUTE_NAME% %REQUESTED_SERVER_NAME% %VIRTUAL_CLUSTER_NAME% %ACCESS_LOG_TYPE%", "test - - DownstreamEnd")]
    [InlineData("%GRPC_STATUS% %GRPC_STATUS_NUMBER%", "- -")]
    [InlineData("%PATH(NQ)% %PATH(WQ:PATH)% %QUERY_PARAM(c)% %QUERY_PARAMS%", "/p/x /p/x?c=1 1 c=1")]
    [InlineData("%STREAM_ID% %FILTER_STATE(foo:PLAIN)%", "mine -")]
    [InlineData("%DYNAMIC_METADATA(ns:text)% %DYNAMIC_METADATA(ns:deep:number)% %DYNAMIC_METADATA(ns:deep)% %DYNAMIC_METADATA(other)%", "a b 7 {\"number\":7} -")]
    [InlineData("%DYNAMIC_METADATA(ns:text):1%", "a")]
    [InlineData("%FILTER_STATE(downstream_peer_obj:FIELD:workload)% %FILTER_STATE(downstream_peer_obj:FIELD:namespace)%", "curl shop")]
    [InlineData("100 %% %PROTOCOL%%%", "100 % HTTP/1.1%")]
    public async Task A_request_by_each_operator(string format, string expected)
    {
        var (text, backend) = await FormatAsync(format);
        Assert.Equal(expected.Replace("BACKEND", backend, StringComparison.Ordinal), text);
    }

    [Theory]
    [InlineData("%START_TIME%", @"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
    [InlineData("%START_TIME(%Y/%m/%dT%H:%M:%S%z %s %3f %6f %9f)%", @"^\d{4}/\d\d/\d\dT\d\d:\d\d:\d\d\+0000 \d{10} \d{3} \d{6} \d{7}00$")]
    [InlineData("%START_TIME(%b %e %E3S)%", @"^[A-Z][a-z]{2} [ \d]\d \d\d\.\d{3}$")]
    [InlineData("%DURATION% %REQUEST_DURATION% %RESPONSE_DURATION% %RESPONSE_TX_DURATION%", @"^\d+ \d+ \d+ \d+$")]
    [InlineData("%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%", @"^\d{3,}$")]
    [InlineData("%CONNECTION_ID% %UNIQUE_ID%", @"^\d+ [0-9a-f]{8}-[0-9a-f-]{27}$")]
    [InlineData("%HOSTNAME% %ENVIRONMENT(PATH):1%", @"^\S+ /$")]
    public async Task Times_and_names_have_their_shape(string format, string pattern) => Assert.Matches(pattern, (await FormatAsync(format)).Text);

    [Fact]
    public void A_connection_of_bytes_has_addresses_and_flags_and_nothing_of_HTTP()
    {
        var connection = new TcpConnection(
            IPEndPoint.Parse("10.96.0.1:9090"), IPEndPoint.Parse("[fd00::1]:4711"), "spiffe://cluster.local/ns/shop/sa/curl", new TcpChain("tcp", new WeightedClusters([])))
        {
            ServerName = "db.example",
            Flags = ResponseFlags.UpstreamConnectionFailure | ResponseFlags.NoHealthyUpstream,
            TerminationDetails = "rbac_access_denied_matched_policy[none]",
        };
        var format = TextFormat.Compile(
            "%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %REQUESTED_SERVER_NAME% %RESPONSE_CODE% %RESPONSE_FLAGS% "
            + "%CONNECTION_TERMINATION_DETAILS% %DOWNSTREAM_PEER_URI_SAN% %REQ(:METHOD)% %PROTOCOL% %ROUTE_NAME% %UPSTREAM_HOST% %BYTES_SENT%",
            omitEmpty: false,
            _ => { });
        var output = new LineBuffer();
        format.Write(new StreamInfo(connection), output);
        Assert.Equal(
            "10.96.0.1:9090 [fd00::1]:4711 fd00::1 db.example 0 UH,UF rbac_access_denied_matched_policy[none] spiffe://cluster.local/ns/shop/sa/curl - - - - 0",
            Encoding.UTF8.GetString(output.Written));
    }

    [Fact]
    public async Task Json_keeps_numbers_numbers_and_sorts_its_keys()
    {
        var format = Struct.Parser.ParseJson("""
            {"z": "%RESPONSE_CODE%", "a": "x %PROTOCOL% %REQ(nope)%", "none": "%REQ(nope)%", "quote": "%REQ(x-quote)%",
             "nested": {"l": ["%RESPONSE_CODE%", "%REQ(nope)%", 5, true], "n": 1.5, "meta": "%DYNAMIC_METADATA(ns:deep)%"}, "flags": "%RESPONSE_FLAGS%"}
            """);
        var (text, _) = await WriteAsync((stream, output) => JsonFormat.Compile(format, omitEmpty: false, _ => { }).Write(stream, output));
        Assert.Equal(
            """{"a":"x HTTP/1.1 -","flags":"-","nested":{"l":[200,null,5,true],"meta":{"number":7},"n":"1.5"},"none":null,"quote":"a\"b\\c<é>","z":200}""" + "\n",
            text);

        (text, _) = await WriteAsync((stream, output) => JsonFormat.Compile(
            Struct.Parser.ParseJson("""{"c": "x%REQ(nope)%", "b": "%REQ(nope)%"}"""), omitEmpty: true, _ => { }).Write(stream, output));
        Assert.Equal("""{"b":null,"c":"x"}""" + "\n", text);
    }

    [Fact]
    public async Task A_header_value_leaves_out_what_is_missing()
    {
        string? value = null;
        await WriteAsync((stream, _) => value = TextFormat.Compile("from %REQ(x-long)%%REQ(nope)%!", omitEmpty: true, _ => { }).ToHeaderValue(stream));
        Assert.Equal("from abcdefgh!", value);
    }

    [Theory]
    [InlineData("%NOPE%", "NOPE")]
    [InlineData("%REQ%", "REQ")]
    [InlineData("%REQ(a?b?c)%", "REQ(a?b?c)")]
    [InlineData("a % b", "% b")]
    [InlineData("%START_TIME(%Q)%", "%Q")]
    [InlineData("%COMMON_DURATION(DS_RX_BEG:NOPE:us)%", "NOPE")]
    [InlineData("%GRPC_STATUS(LOUD)%", "LOUD")]
    [InlineData("%REQ(x):0%", "REQ: '0'")]
    public void A_format_that_cannot_be_read_is_refused_by_name(string format, string named)
    {
        var error = Assert.Throws<FormatSyntaxException>(() => TextFormat.Compile(format, omitEmpty: false, _ => { }));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_Envoy_can_tell_and_we_cannot_is_reported()
    {
        var reported = new List<string>();
        TextFormat.Compile("%DOWNSTREAM_TLS_CIPHER% %PROTOCOL%", omitEmpty: false, reported.Add);
        Assert.Equal(["%DOWNSTREAM_TLS_CIPHER%"], reported);
    }

    private static Task<(string Text, string Backend)> FormatAsync(string format) =>
        WriteAsync(TextFormat.Compile(format, omitEmpty: false, _ => { }).Write);

    /// <summary>What is written at the end of one request.</summary>
    private static Task<(string Text, string Backend)> WriteAsync(Action<StreamInfo, LineBuffer> write) => RecordedRequest.AtEndAsync(stream =>
    {
        var output = new LineBuffer();
        write(stream, output);
        return Encoding.UTF8.GetString(output.Written);
    });
}
