using System.Net;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Microsoft.Extensions.DependencyInjection;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Tcp;
using Waypoint.Proxy.Tests.Filters;
using Waypoint.Proxy.Xds.Translation;
using Waypoint.Proxy.Xds.Translation.Filters;
using Waypoint.Xds.Delta;
using static Waypoint.Proxy.Tests.Xds.IstiodShapes;

namespace Waypoint.Proxy.Tests.Xds;

public sealed class FilterChainTranslationTests
{
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithTypeRegistry(ResourceJson.Types));

    [Theory]
    [InlineData("{}", "AsReceived")]
    [InlineData("""{"normalizePath":true}""", "Normal")]
    [InlineData("""{"normalizePath":true,"mergeSlashes":true}""", "Normal, MergedSlashes")]
    [InlineData(
        """{"normalizePath":true,"mergeSlashes":true,"pathWithEscapedSlashesAction":"UNESCAPE_AND_FORWARD"}""",
        "Normal, MergedSlashes, UnescapedSlashes")]
    [InlineData("""{"pathWithEscapedSlashesAction":"KEEP_UNCHANGED"}""", "AsReceived")]
    public void The_path_normalisations_of_a_mesh_config_become_the_form_of_the_path(string manager, string form)
    {
        var chain = Translate(manager);
        Assert.Equal(Enum.Parse<PathForm>(form), chain.PathForm);
        Assert.False(chain.RejectsEscapedSlashes);
        Assert.Empty(chain.Unsupported);
    }

    [Theory]
    [InlineData("REJECT_REQUEST")]
    [InlineData("UNESCAPE_AND_REDIRECT", "path_with_escaped_slashes_action: redirect (refused instead)")]
    public void Escaped_slashes_may_be_refused(string action, params string[] unsupported)
    {
        var chain = Translate("{\"pathWithEscapedSlashesAction\":\"" + action + "\"}");
        Assert.True(chain.RejectsEscapedSlashes);
        Assert.Equal(unsupported, chain.Unsupported);
    }

    [Theory]
    [InlineData("""{"useRemoteAddress":true}""", -1)]
    [InlineData("""{"useRemoteAddress":true,"xffNumTrustedHops":2}""", 1)]
    [InlineData("""{"xffNumTrustedHops":2}""", 2)]
    public void Where_the_remote_address_counts_no_header_is_believed_instead(string manager, int hops) =>
        Assert.Equal(hops, Translate(manager).TrustedHops);

    [Theory]
    [InlineData("SANITIZE", false)]
    [InlineData("APPEND_FORWARD", false)]
    [InlineData("ALWAYS_FORWARD_ONLY", true)]
    public void Only_one_way_forwards_the_certificate_that_a_client_names(string details, bool forwards) =>
        Assert.Equal(forwards, Translate("{\"forwardClientCertDetails\":\"" + details + "\"}").ForwardsClientCertificate);

    // As istiod asks for every WasmPlugin.
    [Theory]
    [InlineData(
        """{"name":"shop.check","configDiscovery":{"configSource":{"ads":{}},"typeUrls":["type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm","type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"]}}""",
        "shop.check (everything is refused unless it may fail open)")]
    [InlineData("""{"name":"nothing"}""", "nothing (everything is refused)")]
    [InlineData("""{"name":"script","typedConfig":{"@type":"type.googleapis.com/udpa.type.v1.TypedStruct","typeUrl":"type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"}}""", "script (everything is refused)")]
    [InlineData("""{"name":"keys","typedConfig":{"@type":"type.googleapis.com/udpa.type.v1.TypedStruct","typeUrl":"type.googleapis.com/envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth"}}""", "keys (everything is refused)")]
    public async Task A_filter_that_may_decide_who_passes_and_is_not_known_lets_nobody_pass(string filter, string name)
    {
        var chain = Translate("{\"httpFilters\":[" + filter + "]}");
        Assert.Equal([name], chain.Unsupported);
        Assert.False(await new FilteredRequest("GET", "/", "echo", chain.Filters).PassesAsync());
    }

    [Theory]
    [InlineData("""{"name":"zip","typedConfig":{"@type":"type.googleapis.com/udpa.type.v1.TypedStruct","typeUrl":"type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor"}}""", "zip")]
    [InlineData("""{"name":"script","isOptional":true,"typedConfig":{"@type":"type.googleapis.com/udpa.type.v1.TypedStruct","typeUrl":"type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"}}""", "script")]
    [InlineData("""{"name":"off","disabled":true,"typedConfig":{"@type":"type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"}}""", "off (disabled, for every route)")]
    [InlineData("""{"name":"istio.stats","configDiscovery":{"typeUrls":["type.googleapis.com/stats.PluginConfig"]}}""")]
    public void A_filter_without_which_nobody_gets_at_more_is_reported_and_left_out(string filter, params string[] unsupported)
    {
        var chain = Translate("{\"httpFilters\":[" + filter + "]}");
        Assert.Equal(unsupported, chain.Unsupported);
        Assert.Empty(chain.Filters);
    }

    [Fact]
    public async Task A_connection_filter_that_is_not_known_closes_every_connection()
    {
        var source = TcpChain("tcp", "c");
        source.Filters.Insert(0, new Filter { Name = "shop.check", ConfigDiscovery = new() { TypeUrls = { "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm" } } });
        var template = Translator().Translate(source, "main_internal");
        Assert.Equal("shop.check (everything is refused unless it may fail open)", Assert.Single(template.Unsupported).Feature);
        Assert.False(await template.Tcp!.AdmitAsync(new TcpConnection(IPEndPoint.Parse("10.96.0.1:9090"), IPEndPoint.Parse("192.168.7.7:1"), null, template.Tcp)));
    }

    [Fact]
    public void What_configures_a_filter_can_be_dumped()
    {
        var services = new ServiceCollection().AddSingleton<MeshState>().AddSingleton(TimeProvider.System).AddFilters().BuildServiceProvider();
        var http = services.GetServices<IHttpFilterTranslator>();
        var types = http.Select(t => t.Type).Concat(http.Select(t => t.RouteType).OfType<string>())
            .Concat(services.GetServices<INetworkFilterTranslator>().Select(t => t.Type));
        Assert.All(types, type => Assert.NotNull(ResourceJson.Types.Find(type)));
    }

    private static HttpChain Translate(string manager)
    {
        var whole = Parser.Parse<HttpConnectionManager>(manager);
        whole.RouteConfig = Configuration("routes", Route("r", "c"));
        return Translate(HttpChain("http", whole));
    }

    private static HttpChain Translate(FilterChain chain)
    {
        var template = Translator().Translate(chain, "main_internal");
        return template.Http!(template.Inline!);
    }

    private static FilterChainTranslator Translator() => new(name => new ClusterSlot(name), Catalogue.Whole, new WorkloadDirectory());
}
