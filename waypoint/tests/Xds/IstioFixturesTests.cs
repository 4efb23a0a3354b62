using System.Net;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Xds;

namespace Waypoint.Proxy.Tests.Xds;

/// <summary>Everything that a real istiod sent is understood. Needs the folder that WAYPOINT_SHARED names.</summary>
[Trait("Needs", "shared")]
public sealed class IstioFixturesTests
{
    private readonly MeshState _mesh = new();
    private readonly TestResolver _names = new();
    private readonly MeshModel _model;

    public IstioFixturesTests() => _model = new MeshModel(_mesh, new EndpointStates(HealthClock.System), Catalogue.Whole, _names);

    public static TheoryData<string, string[]> Scenarios => new()
    {
        { "authorization", [] },
        { "base", [] },
        { "canary", [] },
        { "destination-rule", [] },
        { "filters", [] },
        { "grpc", [] },
        { "jwt", [] },
        { "locality", [] },
        { "matches", [] },
        { "retries", [] },
        { "service-entry", [] },
        { "tcp", [] },
        { "telemetry", [] },
        { "virtual-service", [] },
    };

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task Nothing_is_refused_and_only_the_filters_that_are_missing_are_reported(string scenario, string[] unsupported)
    {
        Assert.Empty(IstioFixtures.Apply(_model, scenario));
        Assert.Equal(unsupported, OfListeners());

        // Routes to endpoints by name wait until these were asked for.
        await Forwarding.Eventually.HoldsAsync(() => _mesh.Current.FindDestination(IPEndPoint.Parse("10.96.137.138:80"))?.Http is not null);
    }

    [Theory]
    [InlineData("base")]
    [InlineData("destination-rule", "max_requests_per_connection other than 1")]
    [InlineData("service-entry")]
    public void Of_clusters_only_what_is_missing_is_reported(string scenario, params string[] unsupported)
    {
        Assert.Empty(IstioFixtures.Apply(_model, scenario));
        Assert.Equal(
            unsupported,
            _model.Unsupported.Where(u => !u.Where.StartsWith("Listener", StringComparison.Ordinal))
                .Select(u => u.Feature).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_scenarios_are_all_here() =>
        Assert.Equal(IstioFixtures.Scenarios, Scenarios.Select(row => (string)((object[])row)[0]));

    private string[] OfListeners() =>
    [
        .. _model.Unsupported
            .Where(u => u.Where.StartsWith("Listener", StringComparison.Ordinal))
            .Select(u => u.Feature).Distinct().Order(StringComparer.Ordinal),
    ];
}
