using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.DependencyInjection;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Telemetry.AccessLogging;
using Waypoint.Proxy.Tests.Forwarding;
using Waypoint.Proxy.Xds.Translation;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Telemetry.AccessLogging;

/// <summary>The same requests through a real Envoy and through us, with the same formats: what each operator says must be the same.</summary>
[Trait("Needs", "shared")]
public sealed class EnvoyComparisonTests
{
    /// <summary>Their values differ from one proxy or moment to the next; of these only the shape is compared.</summary>
    private static readonly string[] Varying =
    [
        "START_TIME", "START_TIME(%s.%3f)", "EMIT_TIME(%s)", "DURATION", "REQUEST_DURATION", "RESPONSE_DURATION", "RESPONSE_TX_DURATION",
        "COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)", "RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)", "STREAM_ID", "REQ(X-REQUEST-ID)", "CONNECTION_ID", "UNIQUE_ID",
        "DOWNSTREAM_DIRECT_REMOTE_ADDRESS", "DOWNSTREAM_REMOTE_ADDRESS", "DOWNSTREAM_REMOTE_PORT", "DOWNSTREAM_DIRECT_REMOTE_PORT", "HOSTNAME",
        "UPSTREAM_LOCAL_ADDRESS", "UPSTREAM_LOCAL_PORT",
    ];

    private static readonly string[] Operators =
    [
        .. Varying,
        "REQ(:METHOD)", "REQ(X-ENVOY-ORIGINAL-PATH?:PATH)", "REQ(X-LONG):4", "REQ(:AUTHORITY)", "REQ(:SCHEME)", "REQ(USER-AGENT)", "REQ(X-FORWARDED-FOR)",
        "REQ(x-dup)", "REQ(x-empty)", "REQ(x-quote)", "REQ(nope)", "RESP(X-BACK)", "RESP(:STATUS)", "TRAILER(a)", "PROTOCOL", "UPSTREAM_PROTOCOL",
        "RESPONSE_CODE", "RESPONSE_FLAGS", "RESPONSE_FLAGS_LONG", "RESPONSE_CODE_DETAILS", "CONNECTION_TERMINATION_DETAILS",
        "UPSTREAM_TRANSPORT_FAILURE_REASON", "BYTES_RECEIVED", "BYTES_SENT", "UPSTREAM_REQUEST_ATTEMPT_COUNT", "UPSTREAM_HOST",
        "UPSTREAM_CLUSTER", "UPSTREAM_CLUSTER_RAW", "UPSTREAM_REMOTE_ADDRESS", "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", "UPSTREAM_REMOTE_PORT", "UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT",
        "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", "DOWNSTREAM_LOCAL_ADDRESS",
        "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", "DOWNSTREAM_LOCAL_PORT", "REQUESTED_SERVER_NAME", "ROUTE_NAME", "VIRTUAL_CLUSTER_NAME",
        "DYNAMIC_METADATA(a:b)", "FILTER_STATE(foo:PLAIN)", "GRPC_STATUS", "GRPC_STATUS(SNAKE_STRING)", "GRPC_STATUS(NUMBER)", "GRPC_STATUS_NUMBER",
        "ENVIRONMENT(HOME)", "PATH(NQ)", "PATH(WQ)", "QUERY_PARAM(c)", "QUERY_PARAMS", "TRACE_ID", "ACCESS_LOG_TYPE", "DOWNSTREAM_PEER_URI_SAN",
    ];

    public static TheoryData<string, string> Requests => new()
    {
        {
            "an answer",
            "POST /p/x?c=1 HTTP/1.1\r\nHost: echo.example\r\nUser-Agent: test/1\r\nX-Long: abcdefgh\r\nX-Dup: one\r\nX-Dup: two\r\nX-Empty:\r\nX-Quote: a\"b\\c<>\r\n"
            + "X-Forwarded-For: 1.2.3.4, 10.0.0.1\r\nContent-Length: 3\r\n\r\nabc"
        },
        { "no query", "GET /p HTTP/1.1\r\nHost: echo.example\r\n\r\n" },
        { "no connection", "GET /gone HTTP/1.1\r\nHost: echo.example\r\n\r\n" },
        { "no connection, by gRPC", "POST /gone/grpc HTTP/1.1\r\nHost: echo.example\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n" },
        { "no route", "GET /nothing HTTP/1.1\r\nHost: echo.example\r\n\r\n" },
        { "a direct response", "GET /direct HTTP/1.1\r\nHost: echo.example\r\n\r\n" },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Each_operator_says_what_Envoys_says(string what, string request)
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nX-Back: yes\r\nContent-Length: 5\r\n\r\nhello");
        var refusing = Refusing();
        var (envoyText, envoyJson) = await ThroughEnvoyAsync(request, backend.Address, refusing);
        var (ourText, ourJson) = await ThroughUsAsync(request, backend.Address, refusing);

        var differences = new List<string>();
        for (var i = 0; i < Operators.Length; i++)
        {
            var name = Operators[i];
            Compare($"{name} as text", Shape(name, envoyText[i]), Shape(name, ourText[i]), differences);
            Compare($"{name} as JSON", Shape(name, envoyJson[name].GetRawText()), Shape(name, ourJson[name].GetRawText()), differences);
        }

        Assert.True(differences.Count == 0, $"{what}:\n{string.Join('\n', differences)}");
        Assert.Equal(envoyJson.Keys, ourJson.Keys);
    }

    private static void Compare(string what, string envoys, string ours, List<string> differences)
    {
        if (envoys != ours)
        {
            differences.Add($"{what}: Envoy {envoys}, we {ours}");
        }
    }

    private static string Shape(string name, string value) =>
        name == "HOSTNAME" ? value
        : Varying.Contains(name) ? Regex.Replace(Regex.Replace(value, "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "UUID"), "[0-9]+", "N")
        : value;

    private static string TextFormat => string.Join('\u001f', Operators.Select(name => $"%{name}%")) + "\n";

    private static Struct JsonFormat => new() { Fields = { Operators.ToDictionary(name => name, name => Value.ForString($"%{name}%")) } };

    private static async Task<(string[] Text, Dictionary<string, JsonElement> Json)> ThroughEnvoyAsync(string request, IPEndPoint backend, IPEndPoint refusing)
    {
        var folder = Directory.CreateTempSubdirectory("envoy").FullName;
        try
        {
            var listens = ForeignProcess.FreePort();
            var config = Path.Combine(folder, "envoy.json");
            await File.WriteAllTextAsync(config, Bootstrap(folder, listens, backend, refusing));
            await using (await ForeignProcess.StartAsync(listens, "envoy", "-c", config, "--disable-hot-restart", "-l", "error", "--file-flush-interval-msec", "50"))
            {
                await SendAsync(listens, request);
                await Eventually.HoldsAsync(() => File.ReadAllText(Path.Combine(folder, "text")).EndsWith('\n')
                    && File.ReadAllText(Path.Combine(folder, "json")).EndsWith('\n'));
            }

            // The address that the listener has is where our client is said to have wanted to go.
            return Read(
                (await File.ReadAllTextAsync(Path.Combine(folder, "text"))).Replace(listens.ToString(), "10.96.0.1:80", StringComparison.Ordinal),
                await File.ReadAllTextAsync(Path.Combine(folder, "json")),
                listens);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(string[] Text, Dictionary<string, JsonElement> Json)> ThroughUsAsync(string request, IPEndPoint backend, IPEndPoint refusing)
    {
        var folder = Directory.CreateTempSubdirectory("waypoint").FullName;
        try
        {
            var scope = new TranslationScope("test");
            var text = new SubstitutionFormatString { TextFormatSource = new DataSource { InlineString = TextFormat } };
            var chain = new HttpChain
            {
                Name = "chain",
                Routes = new RouteTable(
                [
                    RouteTo(Forward(ClusterOf("gone", refusing)), new PathPrefix("/gone")) with { Name = "gone" },
                    RouteTo(Forward(ClusterOf("back", backend)), new PathPrefix("/p")) with { Name = "back" },
                    RouteTo(new DirectResponseAction(418, "no"u8.ToArray()), new PathPrefix("/direct")) with { Name = "direct" },
                ]),
                ServerName = "envoy",
                AccessLogs =
                [
                    new AccessLogger(Path.Combine(folder, "text"), FormatTranslator.Line(text, scope, "text"), null),
                    new AccessLogger(Path.Combine(folder, "json"), FormatTranslator.Line(new SubstitutionFormatString { JsonFormat = JsonFormat }, scope, "json"), null),
                ],
            };
            IPEndPoint listens;
            await using (var proxy = await StartAsync(chain, services => services.AddSingleton(new AccessLogSettings(Stream.Null, Always: false))))
            {
                listens = proxy.Http1;
                await SendAsync(listens, request);
                await Eventually.HoldsAsync(() => File.Exists(Path.Combine(folder, "json")) && File.ReadAllText(Path.Combine(folder, "json")).EndsWith('\n'));
            }

            return Read(await File.ReadAllTextAsync(Path.Combine(folder, "text")), await File.ReadAllTextAsync(Path.Combine(folder, "json")), listens);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Proxy.LoadBalancing.Cluster ClusterOf(string name, IPEndPoint endpoint) => new()
    {
        Name = name,
        ObservabilityName = $"{name};",
        Endpoints = [new Proxy.LoadBalancing.Endpoint { Address = endpoint, State = new Proxy.LoadBalancing.EndpointState() }],
    };

    /// <summary>The last line of each file: the first is the one that found out that the proxy listens.</summary>
    private static (string[] Text, Dictionary<string, JsonElement> Json) Read(string text, string json, IPEndPoint listens)
    {
        var fields = text.TrimEnd('\n').Split('\n')[^1].Split('\u001f');
        var local = Array.IndexOf(Operators, "DOWNSTREAM_LOCAL_ADDRESS");
        if (fields[local + 1] == listens.Address.ToString())
        {
            (fields[local + 1], fields[local + 2]) = ("10.96.0.1", "80");
        }

        using var document = JsonDocument.Parse(json.TrimEnd('\n').Split('\n')[^1]
            .Replace($"\"{listens}\"", "\"10.96.0.1:80\"", StringComparison.Ordinal)
            .Replace($"\"DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT\":\"{listens.Address}\"", "\"DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT\":\"10.96.0.1\"", StringComparison.Ordinal)
            .Replace($"\"DOWNSTREAM_LOCAL_PORT\":{listens.Port}", "\"DOWNSTREAM_LOCAL_PORT\":80", StringComparison.Ordinal));
        return (fields, document.RootElement.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.Clone()));
    }

    private static async Task SendAsync(IPEndPoint address, string request)
    {
        await using var client = await RawConnection.ConnectAsync(address);
        await client.SendAsync(request);
        Assert.NotEqual("", await client.ReadMessageAsync());
    }

    private static string Bootstrap(string folder, IPEndPoint listens, IPEndPoint backend, IPEndPoint refusing) => """
        {"static_resources": {
          "listeners": [{"name": "l", "address": LISTENS, "filter_chains": [{"filters": [{"name": "hcm", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "x", "normalize_path": true,
            "access_log": [
              {"name": "text", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": "FOLDER/text", "log_format": {"text_format_source": {"inline_string": TEXT}}}},
              {"name": "json", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": "FOLDER/json", "log_format": {"json_format": JSON}}}],
            "http_filters": [{"name": "router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
            "route_config": {"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [
              {"name": "gone", "match": {"prefix": "/gone"}, "route": {"cluster": "gone"}},
              {"name": "back", "match": {"prefix": "/p"}, "route": {"cluster": "back"}},
              {"name": "direct", "match": {"prefix": "/direct"}, "direct_response": {"status": 418, "body": {"inline_string": "no"}}}]}]}
          }}]}]}],
          "clusters": [
            {"name": "back", "alt_stat_name": "back;", "load_assignment": {"cluster_name": "back", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": BACKEND}}]}]}},
            {"name": "gone", "alt_stat_name": "gone;", "load_assignment": {"cluster_name": "gone", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": REFUSING}}]}]}}]}}
        """
        .Replace("FOLDER", folder, StringComparison.Ordinal)
        .Replace("LISTENS", Address(listens), StringComparison.Ordinal)
        .Replace("BACKEND", Address(backend), StringComparison.Ordinal)
        .Replace("REFUSING", Address(refusing), StringComparison.Ordinal)
        .Replace("JSON", JsonFormat.ToString(), StringComparison.Ordinal)
        .Replace("TEXT", JsonSerializer.Serialize(TextFormat), StringComparison.Ordinal);

    private static string Address(IPEndPoint endpoint) =>
        $$$"""{"socket_address": {"address": "{{{endpoint.Address}}}", "port_value": {{{endpoint.Port}}} }}""";
}
