using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Xds.Translation;
using static Waypoint.Proxy.Tests.Xds.IstiodShapes;

namespace Waypoint.Proxy.Tests.Xds;

public sealed class FilterChainTranslationTests
{
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
    [InlineData("SANITIZE", false)]
    [InlineData("APPEND_FORWARD", false)]
    [InlineData("ALWAYS_FORWARD_ONLY", true)]
    public void Only_one_way_forwards_the_certificate_that_a_client_names(string details, bool forwards) =>
        Assert.Equal(forwards, Translate("{\"forwardClientCertDetails\":\"" + details + "\"}").ForwardsClientCertificate);

    private static HttpChain Translate(string manager)
    {
        var whole = JsonParser.Default.Parse<HttpConnectionManager>(manager);
        whole.RouteConfig = Configuration("routes", Route("r", "c"));
        return Translate(HttpChain("http", whole));
    }

    private static HttpChain Translate(FilterChain chain)
    {
        var template = new FilterChainTranslator(name => new ClusterSlot(name), Catalogue.Whole, new WorkloadDirectory()).Translate(chain, "main_internal");
        return template.Http!(template.Inline!);
    }
}
