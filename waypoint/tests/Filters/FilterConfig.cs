using System.Text.Json.Nodes;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tests.Xds;
using Waypoint.Proxy.Xds.Translation;
using Waypoint.Proxy.Xds.Translation.Filters;

namespace Waypoint.Proxy.Tests.Filters;

/// <summary>Makes filters of their configuration in JSON, as the program does of what it is sent.</summary>
internal sealed class FilterConfig
{
    private const string HttpTypes = "type.googleapis.com/envoy.extensions.filters.http.";
    private const string NetworkTypes = "type.googleapis.com/envoy.extensions.filters.network.";
    private readonly FilterCatalogue _catalogue;

    public FilterConfig(TimeProvider? time = null) => _catalogue = Catalogue.For(Mesh, time);

    public MeshState Mesh { get; } = new();

    public Dictionary<string, ClusterSlot> Clusters { get; } = [];

    public TranslationScope Scope { get; } = new("Listener 'test'");

    public IEnumerable<string> Unsupported => Scope.UnsupportedFeatures.Select(u => u.Feature);

    public IHttpFilter Http(IMessage config) => _catalogue.Http(new HttpFilter { Name = "test", TypedConfig = Any.Pack(config) }, Cluster, Scope)!;

    /// <param name="type">Without what all HTTP filters' types begin with, such as <c>rbac.v3.RBAC</c>.</param>
    /// <param name="config">JSON.</param>
    public IHttpFilter Http(string type, string config) =>
        _catalogue.Http(new HttpFilter { Name = "test", TypedConfig = Parse(HttpTypes + type, config) }, Cluster, Scope)!;

    public INetworkFilter Network(string type, string config) =>
        _catalogue.Network(new Filter { Name = "test", TypedConfig = Parse(NetworkTypes + type, config) }, Cluster, Scope)!;

    public RouteFilterSettings Route(string type, string config) =>
        _catalogue.Route([KeyValuePair.Create("test", Parse(HttpTypes + type, config))], Cluster, Scope);

    /// <param name="config">A <c>FilterConfig</c> in JSON.</param>
    public RouteFilterSettings Wrapped(string config) =>
        _catalogue.Route([KeyValuePair.Create("test", Parse("type.googleapis.com/envoy.config.route.v3.FilterConfig", config))], Cluster, Scope);

    private static Any Parse(string type, string config)
    {
        var json = JsonNode.Parse(config)!.AsObject();
        json["@type"] = type;
        return IstioFixtures.Parse(json);
    }

    private ClusterSlot Cluster(string name) => Clusters.TryGetValue(name, out var slot) ? slot : Clusters[name] = new ClusterSlot(name);
}
