using System.Net;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tcp;
using Waypoint.Proxy.Tests.Filters.ExtAuthz;
using Waypoint.Proxy.Tests.Xds;
using Waypoint.Proxy.Xds.Translation;
using Waypoint.Proxy.Xds.Translation.Filters;

namespace Waypoint.Proxy.Tests.Filters.Rbac;

/// <summary>
/// AuthorizationPolicies as a real istiod translated them, request by request, against what Istio's documentation says. Clients are known by their
/// address (design D3).
/// </summary>
public sealed class AuthorizationPolicyTests : IClassFixture<SampleAuthorizer>
{
    private readonly MeshState _mesh = new();
    private readonly FilterCatalogue _catalogue;
    private readonly TranslationScope _scope = new("test");

    private readonly SampleAuthorizer _authorizer;

    public AuthorizationPolicyTests(SampleAuthorizer authorizer)
    {
        _authorizer = authorizer;
        _catalogue = Catalogue.For(_mesh);
        _mesh.Workloads.Upsert(Pod("curl", "security", "curl"));
        _mesh.Workloads.Upsert(Pod("other", "other", "default"));
    }

    public static TheoryData<string, int, string> Requests
    {
        get
        {
            var rows = new TheoryData<string, int, string>();
            foreach (var policy in AuthorizationCases.All)
            {
                for (var i = 0; i < policy.Requests.Count; i++)
                {
                    rows.Add(policy.Name, i, policy.Requests[i].ToString());
                }
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_policy_does_what_the_documentation_says(string name, int index, string description)
    {
        var request = AuthorizationCases.All.Single(c => c.Name == name).Requests[index];
        var passes = request.Tcp ? await ConnectAsync(name, request) : await SendAsync(name, request);
        Assert.True(passes == (request.Expect == "allow"), $"{name}: {description}");
    }

    [Fact]
    public void There_are_enough_cases() => Assert.True(AuthorizationCases.All.Count >= 40);

    private async Task<bool> SendAsync(string name, AuthorizationRequest sent)
    {
        var filters = AuthorizationCases.Filters(name, "http")
            .Select(f => _catalogue.Http(new() { Name = f.Name, TypedConfig = IstioFixtures.Parse(f.Config) }, Cluster, _scope)!);
        var request = new FilteredRequest(sent.Method, sent.Path, sent.Host ?? $"{name}.security", filters)
        {
            Original = new IPEndPoint(IPAddress.Parse(sent.To), 80),
            Client = Client(sent.From),
        };
        foreach (var (header, value) in sent.Headers)
        {
            request.With(header, AuthorizationRequest.Values(value));
        }

        if (sent.Claims is { } claims)
        {
            request.Exchange.Metadata.Set("envoy.filters.http.jwt_authn", "payload", AuthorizationRequest.ToJson(claims));
        }

        var passes = await request.PassesAsync();
        if (!passes)
        {
            Assert.Equal(403, request.Context.Response.StatusCode);
        }

        return passes;
    }

    private async Task<bool> ConnectAsync(string name, AuthorizationRequest sent)
    {
        var chain = new TcpChain("tcp", new WeightedClusters([]))
        {
            Filters =
            [
                .. AuthorizationCases.Filters(name, "tcp").Select(
                    f => _catalogue.Network(new() { Name = f.Name, TypedConfig = IstioFixtures.Parse(f.Config) }, Cluster, _scope)!),
            ],
        };
        return await chain.AdmitAsync(new TcpConnection(new IPEndPoint(IPAddress.Parse(sent.To), 9090), Client(sent.From), null, chain)
        {
            ServerName = sent.Sni,
        });
    }

    private ClusterSlot Cluster(string name) => name switch
    {
        "outbound|9000||ext-authz.security.svc.cluster.local" => _authorizer.Grpc,
        "outbound|8000||ext-authz.security.svc.cluster.local" => _authorizer.Http,
        _ => new ClusterSlot(name),
    };

    private static IPEndPoint Client(string name) => new(Address(name), 40_000);

    private static IPAddress Address(string name) => IPAddress.Parse(name switch
    {
        "curl" => "10.244.0.10",
        "other" => "10.244.1.20",
        _ => "192.168.7.7",
    });

    private static Workload Pod(string name, string ns, string account) => new()
    {
        Uid = $"Kubernetes//Pod/{ns}/{name}",
        Addresses = [Address(name)],
        Namespace = ns,
        ServiceAccount = account,
    };
}
