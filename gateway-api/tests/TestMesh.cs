using Envoy.Config.Cluster.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Extensions.Filters.Network.TcpProxy.V3;
using Google.Protobuf;
using Istio.Workload;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Sources;
using Waypoint.GatewayApi.Sources.Reading;
using Waypoint.GatewayApi.Sources.Yaml;
using Waypoint.GatewayApi.Translation;
using Waypoint.GatewayApi.Validation;
using Waypoint.Xds.Delta;
using Waypoint.Xds.Delta.Server;

namespace Waypoint.GatewayApi.Tests;

/// <summary>A translator and what it serves, fed with YAML.</summary>
internal sealed class TestMesh
{
    public static readonly NamespacedName Waypoint = new("shop", "waypoint");

    /// <summary>A namespace behind a waypoint, a service with one pod, and two versions to send requests to.</summary>
    public const string Shop = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: shop, labels: {istio.io/use-waypoint: waypoint}}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {name: waypoint, namespace: shop}
        spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: echo, namespace: shop}
        spec:
          clusterIP: 10.96.0.1
          selector: {app: echo}
          ports: [{name: http, port: 80, targetPort: 8080}, {name: tcp, port: 9090}, {name: auto, port: 9999}]
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: echo-v1, namespace: shop}
        spec: {clusterIP: 10.96.0.11, selector: {app: echo, version: v1}, ports: [{name: http, port: 80, targetPort: 8080}, {name: tcp, port: 9090}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: echo-v2, namespace: shop}
        spec: {clusterIP: 10.96.0.12, selector: {app: echo, version: v2}, ports: [{name: http, port: 80, targetPort: 8080}, {name: tcp, port: 9090}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: echo-v1, namespace: shop, labels: {app: echo, version: v1}}
        status: {podIP: 10.244.0.11}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: echo-v2, namespace: shop, labels: {app: echo, version: v2}}
        status: {podIP: 10.244.0.12}
        """;

    private readonly string _scope = Scopes.Waypoint(Waypoint);

    public TestMesh(params IEnumerable<string> documents)
    {
        foreach (string text in documents)
        {
            Apply(text);
        }
    }

    public Translator Translator { get; } = new(new MeshSettings());

    public ResourceStore Store { get; } = new();

    /// <summary>Objects of a text that must be right.</summary>
    public static List<KubernetesObject> Read(string yaml)
    {
        List<KubernetesObject> objects = [];
        List<Diagnostic> diagnostics = [];
        foreach (YamlNode document in YamlDocuments.Read(yaml))
        {
            ObjectReader.Read(document, "test.yaml", objects, diagnostics);
        }

        Assert.DoesNotContain(diagnostics, diagnostic => diagnostic.Severity == Severity.Error);
        return objects;
    }

    /// <summary>A route of a Service's port 80; <paramref name="rules"/> is the YAML of its rules.</summary>
    public static string HttpRoute(string rules, string name = "route", string parent = "name: echo, port: 80") => $$"""
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: {{name}}, namespace: shop}
        spec:
          parentRefs: [{group: "", kind: Service, {{parent}}}]
          rules:
        {{string.Join('\n', rules.Split('\n').Select(line => "  " + line))}}
        """;

    public void Apply(string yaml) => Apply(Read(yaml));

    public void Apply(IReadOnlyList<KubernetesObject> objects) => Store.Publish(Translator.Apply(new ObjectBatch(objects, [], 1)));

    public void Remove(params IReadOnlyList<ObjectKey> keys) => Store.Publish(Translator.Apply(new ObjectBatch([], keys, 1)));

    public Listener Listener() => Listener(_scope);

    public Listener Listener(string scope) => Of(scope, Envoy.Config.Listener.V3.Listener.Parser).Single();

    public IReadOnlyList<Cluster> Clusters() => Of(_scope, Cluster.Parser);

    public IReadOnlyList<ClusterLoadAssignment> Endpoints() => Of(_scope, ClusterLoadAssignment.Parser);

    public IReadOnlyList<Address> Addresses() => Of(Scopes.Mesh, Address.Parser);

    public Workload Workload(string pod) => Of(Scopes.Mesh, Istio.Workload.Workload.Parser).Single(workload => workload.Name == pod);

    public Istio.Workload.Service Service(string name) => Addresses().Single(address => address.Service?.Name == name).Service;

    public FilterChain Chain(string name) => Listener().FilterChains.Single(chain => chain.Name == name);

    public HttpConnectionManager Http(string chain) =>
        Chain(chain).Filters.Single(filter => filter.Name.EndsWith("http_connection_manager", StringComparison.Ordinal)).TypedConfig.Unpack<HttpConnectionManager>();

    public TcpProxy Tcp(string chain) =>
        Chain(chain).Filters.Single(filter => filter.Name.EndsWith("tcp_proxy", StringComparison.Ordinal)).TypedConfig.Unpack<TcpProxy>();

    /// <summary>The routes of a service's port, in the order in which they are tried.</summary>
    public IReadOnlyList<Envoy.Config.Route.V3.Route> Routes(string service = "echo", int port = 80) =>
        Http($"inbound-vip|{port}|http|{service}.shop.svc.cluster.local").RouteConfig.VirtualHosts.Single().Routes;

    public RouteStatus Status(string name) => Translator.Routes.Single(route => route.Route.Name == name);

    public Condition? Condition(string route, string type) => Status(route).Parents.Single().Condition(type);

    private List<T> Of<T>(string scope, MessageParser<T> parser)
        where T : IMessage<T>, new() =>
        [.. Store.Collection(scope, ResourceTypes.UrlOf(new T().Descriptor)).Snapshot()
            .OrderBy(resource => resource.Name, StringComparer.Ordinal)
            .Select(resource => parser.ParseFrom(resource.Body))];
}
