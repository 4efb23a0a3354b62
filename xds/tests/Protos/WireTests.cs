using Envoy.Config.Cluster.V3;
using Envoy.Config.Route.V3;
using Google.Protobuf;
using Waypoint.Xds.Delta;

namespace Waypoint.Xds.Tests.Protos;

/// <summary>Bytes that Envoy's complete messages were serialised to: ours must read all of them under the same names.</summary>
public sealed class WireTests
{
    private const string ClusterBytes =
        "Ci9pbmJvdW5kLXZpcHw4MHxodHRwfGVjaG8uc2hvcC5zdmMuY2x1c3Rlci5sb2NhbBADGjkKBhoAIgAwAhIvaW5ib3VuZC12aXB8ODB8aHR0cHxlY2hvLnNob3Auc3ZjLmNsdXN0ZXIu"
        + "bG9jYWwiAggCMAJSEgoQEgIIZBoCCAoiAggyKgIIA5oBHgoCCAMSAggFGgIICiICCDIqAghkMgBSAggCWgIIZLoBBQoDCIAI2gENCgkJAAAAAAAAJEAaAOIBMGluYm91bmQtdmlwfDgw"
        + "fGh0dHB8ZWNoby5zaG9wLnN2Yy5jbHVzdGVyLmxvY2FsO6IClgEKNmVudm95LmV4dGVuc2lvbnMudXBzdHJlYW1zLmh0dHAudjMuSHR0cFByb3RvY29sT3B0aW9ucxJcCkp0eXBlLmdv"
        + "b2dsZWFwaXMuY29tL2Vudm95LmV4dGVuc2lvbnMudXBzdHJlYW1zLmh0dHAudjMuSHR0cFByb3RvY29sT3B0aW9ucxIOCggKAggeMgIIBRoCCgA=";

    private const string RouteBytes =
        "CjsSBS9DYXNlIgAyJAoGY29va2llahoqGBIWXiguKjspPyh1c2VyPXgpKDsuKik/JDIKCgR4LW5vOAFAARKjAQoyaW5ib3VuZC12aXB8ODB8aHR0cHxlY2hvLXYyLnNob3Auc3ZjLmNs"
        + "dXN0ZXIubG9jYWxCAEpTCktjb25uZWN0LWZhaWx1cmUscmVmdXNlZC1zdHJlYW0sdW5hdmFpbGFibGUsY2FuY2VsbGVkLHJldHJpYWJsZS1zdGF0dXMtY29kZXMSAggCMAW6AQCCAhIK"
        + "CRIHL2EvKC4qKRIFL2IvXDEqKAomZWNoby12Mi5zaG9wLnN2Yy5jbHVzdGVyLmxvY2FsOjgwL0Nhc2VKDAoICgN4LWESAWIYAg==";

    [Fact]
    public void A_cluster_of_Envoys_is_read_whole()
    {
        var cluster = Cluster.Parser.ParseFrom(Convert.FromBase64String(ClusterBytes));
        Assert.Equal("inbound-vip|80|http|echo.shop.svc.cluster.local", cluster.EdsClusterConfig.ServiceName);
        Assert.Equal(Cluster.Types.LbPolicy.RingHash, cluster.LbPolicy);
        Assert.Equal(1024u, cluster.RingHashLbConfig.MinimumRingSize);
        Assert.Equal(50u, cluster.CircuitBreakers.Thresholds.Single().MaxRequests);
        Assert.Equal(3u, cluster.OutlierDetection.Consecutive5Xx);
        Assert.Equal(10, cluster.CommonLbConfig.HealthyPanicThreshold.Value);
        Assert.Contains("\"maxRequestsPerConnection\": 5", ResourceJson.Format(cluster), StringComparison.Ordinal);
        AssertNothingIsUnknown(cluster);
    }

    [Fact]
    public void A_route_of_Envoys_is_read_whole()
    {
        var route = Route.Parser.ParseFrom(Convert.FromBase64String(RouteBytes));
        Assert.Equal("/Case", route.Match.Path);
        Assert.False(route.Match.CaseSensitive);
        Assert.Equal("^(.*;)?(user=x)(;.*)?$", route.Match.Headers[0].StringMatch.SafeRegex.Regex);
        Assert.True(route.Match.Headers[1] is { InvertMatch: true, PresentMatch: true });
        Assert.Equal("/b/\\1", route.Route_.RegexRewrite.Substitution);
        Assert.Equal(5, route.Route_.RetryPolicy.HostSelectionRetryMaxAttempts);
        Assert.Equal(Envoy.Config.Core.V3.HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd, route.RequestHeadersToAdd.Single().AppendAction);
        AssertNothingIsUnknown(route);
    }

    /// <summary>JSON has only the fields that are known; a message that had others differs from the one read back.</summary>
    private static void AssertNothingIsUnknown<T>(T message)
        where T : IMessage<T>, IDeepCloneable<T>, new()
        => Assert.Equal(message, new JsonParser(JsonParser.Settings.Default.WithTypeRegistry(ResourceJson.Types)).Parse<T>(ResourceJson.Format(message)));
}
