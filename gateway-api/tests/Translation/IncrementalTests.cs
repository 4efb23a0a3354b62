using System.Text;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Translation;
using Waypoint.GatewayApi.Validation;

namespace Waypoint.GatewayApi.Tests.Translation;

/// <summary>A change costs what it touches, however much else there is.</summary>
public class IncrementalTests
{
    private const int Services = 200;

    [Fact]
    public void One_changed_route_translates_its_own_chain_and_nothing_else()
    {
        TestMesh mesh = Large();
        TranslationCounts before = mesh.Translator.Counts.Copy();

        mesh.Apply(TestMesh.HttpRoute("- backendRefs: [{name: s8, port: 80}]", "r7", "name: s7, port: 80"));

        TranslationCounts after = mesh.Translator.Counts;
        Assert.Equal((1L, 0L, 0L, 0L, 0L, 1L, 1L), Difference(before, after));
        Assert.Equal("inbound-vip|80|http|s8.shop.svc.cluster.local", mesh.Routes("s7").Single().Route_.Cluster);
    }

    [Fact]
    public void One_changed_pod_translates_itself_and_its_services_endpoints()
    {
        TestMesh mesh = Large();
        TranslationCounts before = mesh.Translator.Counts.Copy();

        mesh.Apply(Pod(7, "10.9.9.9"));

        // Its service has one port, declared: one cluster's endpoints.
        Assert.Equal((0L, 0L, 1L, 0L, 1L, 0L, 0L), Difference(before, mesh.Translator.Counts));
        Assert.Contains(mesh.Endpoints(), assignment => assignment.ToString().Contains("10.9.9.9", StringComparison.Ordinal));
    }

    [Fact]
    public void One_changed_service_translates_itself_its_pods_and_the_routes_that_name_it()
    {
        TestMesh mesh = Large();
        TranslationCounts before = mesh.Translator.Counts.Copy();

        mesh.Apply(Service(7, "http2"));

        // Chains: its own, and that of s6, whose route leads to it.
        Assert.Equal((2L, 1L, 1L, 1L, 1L, 2L, 1L), Difference(before, mesh.Translator.Counts));
    }

    [Fact]
    public void A_change_that_changes_nothing_that_is_served_sends_nothing()
    {
        TestMesh mesh = Large();
        var before = mesh.Store.Snapshot().SelectMany(table => table.Resources).ToDictionary(resource => (resource.TypeUrl, resource.Name), resource => resource.Version);

        mesh.Apply(TestMesh.HttpRoute("- backendRefs: [{name: s8, port: 80}]\n  name: next", "r7", "name: s7, port: 80").Replace("namespace: shop}", "namespace: shop, annotations: {a: b}}", StringComparison.Ordinal));

        Assert.Equal(before, mesh.Store.Snapshot().SelectMany(table => table.Resources).ToDictionary(resource => (resource.TypeUrl, resource.Name), resource => resource.Version));
    }

    [Fact]
    public void Many_small_changes_end_where_one_large_one_does()
    {
        Random random = new(7);
        List<string> documents = [];
        for (int step = 0; step < 300; step++)
        {
            int number = random.Next(12);
            documents.Add(random.Next(6) switch
            {
                0 => Service(number, random.Next(2) == 0 ? "http" : "auto"),
                1 => Pod(number, $"10.9.{number}.{random.Next(1, 250)}"),
                2 => TestMesh.HttpRoute($"- backendRefs: [{{name: s{random.Next(12)}, port: 80, weight: {random.Next(3)}}}]", $"r{number}", $"name: s{number}"),
                3 => $"apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {{istio.io/use-waypoint: {(random.Next(3) == 0 ? "none" : "waypoint")}}}}}",
                4 => $"apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: waypoint, namespace: shop, labels: {{istio.io/waypoint-for: {(random.Next(2) == 0 ? "all" : "service")}}}}}\nspec: {{gatewayClassName: istio-waypoint, listeners: [{{name: mesh, port: 15008, protocol: HBONE}}]}}",
                _ => $"remove {random.Next(5)} {number}",
            });
        }

        TestMesh stepwise = new(TestMesh.Shop);
        Dictionary<ObjectKey, KubernetesObject> final = TestMesh.Read(TestMesh.Shop).ToDictionary(read => read.Key);
        int compared = 0;
        foreach (string document in documents)
        {
            if (document.StartsWith("remove", StringComparison.Ordinal))
            {
                string[] words = document.Split(' ');
                (ObjectKind kind, string prefix) = words[1] switch { "0" => (ObjectKind.Service, "s"), "1" => (ObjectKind.Pod, "p"), _ => (ObjectKind.HTTPRoute, "r") };
                ObjectKey key = new(kind, "shop", prefix + words[2]);
                stepwise.Remove(key);
                final.Remove(key);
            }
            else
            {
                KubernetesObject read = TestMesh.Read(document).Single();
                stepwise.Apply([read]);
                final[read.Key] = read;
            }

            if (++compared % 5 != 0)
            {
                continue;
            }

            TestMesh whole = new();
            whole.Apply([.. final.Values]);
            Assert.Equal(Served(whole), Served(stepwise));
            Assert.Equal(whole.Translator.Routes.Select(Describe), stepwise.Translator.Routes.Select(Describe));
        }

        static string Describe(RouteStatus status) =>
            $"{status.Route}: {string.Join("; ", status.Parents.SelectMany(parent => parent.Conditions))}";
    }

    private static Dictionary<(string Scope, string TypeUrl, string Name), string> Served(TestMesh mesh) =>
        mesh.Store.Snapshot().SelectMany(table => table.Resources.Select(resource => (table.Scope, Resource: resource)))
            .ToDictionary(served => (served.Scope, served.Resource.TypeUrl, served.Resource.Name), served => served.Resource.Version);

    private static (long Chains, long Clusters, long Endpoints, long Services, long Workloads, long Routes, long Listeners) Difference(TranslationCounts before, TranslationCounts after) =>
    (
        after.Chains - before.Chains, after.Clusters - before.Clusters, after.Endpoints - before.Endpoints, after.Services - before.Services,
        after.Workloads - before.Workloads, after.Routes - before.Routes, after.Listeners - before.Listeners
    );

    /// <summary>Services, each with a pod, and each with a route to the next.</summary>
    private static TestMesh Large()
    {
        StringBuilder yaml = new(string.Join("---", TestMesh.Shop.Split("---").Take(2)));
        for (int number = 0; number < Services; number++)
        {
            yaml.Append("\n---\n").Append(Service(number, "http"));
            yaml.Append("\n---\n").Append(Pod(number, $"10.1.{number / 250}.{(number % 250) + 1}"));
            yaml.Append("\n---\n").Append(TestMesh.HttpRoute($"- backendRefs: [{{name: s{(number + 1) % Services}, port: 80}}]\n  name: next", $"r{number}", $"name: s{number}, port: 80"));
        }

        return new TestMesh(yaml.ToString());
    }

    private static string Service(int number, string protocol) => $$"""
        apiVersion: v1
        kind: Service
        metadata: {name: s{{number}}, namespace: shop}
        spec: {clusterIP: 10.97.{{number / 250}}.{{(number % 250) + 1}}, selector: {app: s{{number}}}, ports: [{name: {{protocol}}, port: 80}]}
        """;

    private static string Pod(int number, string address) => $$"""
        apiVersion: v1
        kind: Pod
        metadata: {name: p{{number}}, namespace: shop, labels: {app: s{{number}} } }
        status: {podIP: {{address}} }
        """;
}
