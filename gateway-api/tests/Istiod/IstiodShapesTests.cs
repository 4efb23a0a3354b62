using System.Net;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf.WellKnownTypes;
using Istio.Workload;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Translation;
using Service = Waypoint.GatewayApi.Model.Service;
using Filter = Envoy.Config.Listener.V3.Filter;

namespace Waypoint.GatewayApi.Tests.Istiod;

/// <summary>Our translation of what a user applied, next to istiod's.</summary>
[Trait("Needs", "shared")]
public class IstiodShapesTests
{
    [Theory]
    [InlineData("base")]
    [InlineData("canary")]
    [InlineData("matches")]
    [InlineData("retries")]
    [InlineData("grpc")]
    [InlineData("tcp")]
    public void The_listener_is_istiods(string scenario)
    {
        Listener theirs = IstiodDump.Read<Listener>(scenario, "envoy.config.listener.v3.Listener").Single(listener => listener.Name == "main_internal");
        Listener ours = Translate(scenario).Listener();

        Assert.Equal(theirs.FilterChains.Select(chain => chain.Name).Order(StringComparer.Ordinal), ours.FilterChains.Select(chain => chain.Name).Order(StringComparer.Ordinal));
        foreach (FilterChain chain in theirs.FilterChains)
        {
            Assert.Equal(Comparable(chain), Comparable(ours.FilterChains.Single(own => own.Name == chain.Name)));
        }

        Assert.Equal(IstiodDump.Canonical(theirs.FilterChainMatcher), IstiodDump.Canonical(ours.FilterChainMatcher));
        Assert.Equal(theirs.ListenerFilters.Select(IstiodDump.Canonical), ours.ListenerFilters.Select(IstiodDump.Canonical));
        Assert.Equal(theirs.TrafficDirection, ours.TrafficDirection);
        Assert.Equal(theirs.ListenerSpecifierCase, ours.ListenerSpecifierCase);
    }

    [Fact]
    public void Filters_and_rewrites_are_istiods()
    {
        // CORS is the one filter of that scenario that we answer with 500.
        Listener theirs = IstiodDump.Read<Listener>("filters", "envoy.config.listener.v3.Listener").Single(listener => listener.Name == "main_internal");
        const string Chain = "inbound-vip|80|http|echo.shop.svc.cluster.local";
        var expected = Manager(theirs.FilterChains.Single(chain => chain.Name == Chain)).RouteConfig.VirtualHosts[0].Routes;
        var routes = Translate("filters").Routes();

        Assert.Equal(expected.Select(route => route.Name), routes.Select(route => route.Name));
        foreach (var (theirRoute, ourRoute) in expected.Zip(routes).Where(pair => pair.First.Match.PathSeparatedPrefix != "/cors"))
        {
            Assert.Equal(Comparable(theirRoute), Comparable(ourRoute));
        }
    }

    [Fact]
    public void Clusters_are_istiods()
    {
        var theirs = IstiodDump.Read<Cluster>("base", "envoy.config.cluster.v3.Cluster")
            .Where(cluster => cluster.Name.StartsWith("inbound-vip", StringComparison.Ordinal) || cluster.Name == "encap")
            .OrderBy(cluster => cluster.Name, StringComparer.Ordinal);

        // All but the budget for retries, which istiod leaves out.
        var ours = Translate("base").Clusters();
        foreach (var thresholds in ours.SelectMany(cluster => cluster.CircuitBreakers.Thresholds))
        {
            thresholds.RetryBudget = null;
        }

        Assert.Equal(theirs.Select(IstiodDump.Canonical), ours.Select(IstiodDump.Canonical));
    }

    [Fact]
    public void Endpoints_are_istiods()
    {
        var theirs = IstiodDump.Read<ClusterLoadAssignment>("base", "envoy.config.endpoint.v3.ClusterLoadAssignment");

        Assert.Equal(theirs.Select(Sorted).Order(StringComparer.Ordinal), Translate("base").Endpoints().Select(Sorted).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Workloads_and_services_are_istiods()
    {
        var theirs = IstiodDump.Read<Address>("base", "istio.workload.Address").Where(InShop).Select(IstiodDump.Canonical);

        Assert.Equal(theirs.Order(StringComparer.Ordinal), Translate("base").Addresses().Select(IstiodDump.Canonical).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("echo-local")]
    [InlineData("echo-node")]
    public void Traffic_policies_of_a_service_are_istiods(string name)
    {
        var theirs = IstiodDump.Read<Address>("locality", "istio.workload.Address").Single(address => address.Service?.Name == name);

        Assert.Equal(theirs.Service.ToString(), Translate("locality").Service(name).ToString());
    }

    /// <summary>What the cluster made of the scenario (addresses, pods) is taken from istiod's own description of it.</summary>
    private static TestMesh Translate(string scenario)
    {
        List<Address> addresses = [.. IstiodDump.Read<Address>("base", "istio.workload.Address").Where(InShop)];
        if (scenario == "locality")
        {
            addresses.AddRange(IstiodDump.Read<Address>(scenario, "istio.workload.Address").Where(address => address.Service is not null));
        }

        string yaml = IstiodDump.Scenario("base") + (scenario == "base" ? "" : "\n---\n" + IstiodDump.Scenario(scenario));
        List<KubernetesObject> objects = [.. TestMesh.Read(yaml).Select(written => written is Service service ? Addressed(service, addresses) : written)];
        objects.AddRange(addresses.Where(address => address.Workload is not null).Select(address => Pod(address.Workload)));
        objects.Add(Addressed((Service)TestMesh.Read(WaypointService).Single(), addresses));
        TestMesh mesh = new();
        mesh.Apply(objects);
        return mesh;
    }

    private const string WaypointService = """
        apiVersion: v1
        kind: Service
        metadata: {name: waypoint, namespace: shop}
        spec:
          selector: {gateway.networking.k8s.io/gateway-name: waypoint}
          trafficDistribution: PreferSameZone
          ports: [{name: status-port, port: 15021, appProtocol: tcp}, {name: mesh, port: 15008, appProtocol: all}]
        """;

    private static bool InShop(Address address) => (address.Workload?.Namespace ?? address.Service.Namespace) == "shop";

    private static Service Addressed(Service service, IEnumerable<Address> addresses)
    {
        var described = addresses.FirstOrDefault(address => address.Service?.Name == service.Name)?.Service;
        return service with
        {
            Headless = described is null,
            ClusterIPs = [.. (described?.Addresses ?? []).Select(address => new IPAddress(address.Address.Span))],
        };
    }

    private static Pod Pod(Workload workload)
    {
        string yaml = $$"""
            apiVersion: v1
            kind: Pod
            metadata:
              name: {{workload.Name}}
              namespace: {{workload.Namespace}}
              labels: {app: {{workload.CanonicalName}}, {{(workload.CanonicalRevision == "latest" ? "" : $"version: {workload.CanonicalRevision}, ")}}pod-template-hash: hash{{(workload.WorkloadName == "waypoint" ? ", gateway.networking.k8s.io/gateway-name: waypoint" : "")}}}
              annotations: {ambient.istio.io/redirection: {{(workload.TunnelProtocol == TunnelProtocol.Hbone ? "enabled" : "disabled")}}}
              ownerReferences: [{kind: ReplicaSet, name: {{workload.WorkloadName}}-hash, controller: true}]
            spec: {nodeName: {{workload.Node}}, serviceAccountName: {{workload.ServiceAccount}}}
            status:
              podIPs: [{{string.Join(", ", workload.Addresses.Select(address => $"{{ip: \"{new IPAddress(address.Span)}\"}}"))}}]
              conditions: [{type: Ready, status: "{{workload.Status == WorkloadStatus.Healthy}}"}]
            """;
        return (Pod)TestMesh.Read(yaml).Single();
    }

    private static HttpConnectionManager Manager(FilterChain chain) =>
        chain.Filters.Single(filter => filter.Name.EndsWith("http_connection_manager", StringComparison.Ordinal)).TypedConfig.Unpack<HttpConnectionManager>();

    /// <summary>A chain without the names that only tell where a route was written.</summary>
    private static string Comparable(FilterChain chain)
    {
        FilterChain copy = chain.Clone();
        foreach (Filter filter in copy.Filters.Where(filter => filter.Name.EndsWith("http_connection_manager", StringComparison.Ordinal)))
        {
            HttpConnectionManager manager = filter.TypedConfig.Unpack<HttpConnectionManager>();
            foreach (var route in manager.RouteConfig.VirtualHosts.SelectMany(host => host.Routes))
            {
                route.Metadata = null;
                route.Decorator = null;
            }

            filter.TypedConfig = Any.Pack(manager);
        }

        return IstiodDump.Canonical(copy);
    }

    private static string Comparable(Envoy.Config.Route.V3.Route route)
    {
        Envoy.Config.Route.V3.Route copy = route.Clone();
        copy.Metadata = null;
        copy.Decorator = null;
        return IstiodDump.Canonical(copy);
    }

    private static string Sorted(ClusterLoadAssignment assignment) =>
        $"{assignment.ClusterName}: {string.Join(' ', assignment.Endpoints.Select(locality => $"{locality.Locality} {locality.LoadBalancingWeight} {string.Join(' ', locality.LbEndpoints.Select(IstiodDump.Canonical).Order(StringComparer.Ordinal))}"))}";
}
