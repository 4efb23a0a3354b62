using Waypoint.Proxy.LoadBalancing;

namespace Waypoint.Proxy.Tests.LoadBalancing;

public sealed class SlowStartTests
{
    private const int Picks = 20_000;
    private readonly Pool _pool = new();

    [Theory]
    [InlineData(0, 1, 10, 0.1)]
    [InlineData(3, 1, 0, 0.05)]
    [InlineData(30, 1, 10, 0.5)]
    [InlineData(30, 2, 10, 0.7071)]
    [InlineData(60, 1, 10, 1)]
    [InlineData(600, 1, 10, 1)]
    public void A_share_grows_with_age(double age, double aggression, double minimum, double factor) =>
        Assert.Equal(factor, new SlowStart(TimeSpan.FromMinutes(1), aggression, minimum).Factor(TimeSpan.FromSeconds(age)), tolerance: 0.0001);

    [Theory]
    [InlineData(LoadBalancingPolicy.RoundRobin)]
    [InlineData(LoadBalancingPolicy.LeastRequest)]
    internal void An_endpoint_that_came_later_gets_its_share_little_by_little(LoadBalancingPolicy policy)
    {
        var endpoints = _pool.Endpoints(3);
        var before = Cluster(policy, endpoints[..2]);
        before.Follow(null);
        var cluster = Cluster(policy, endpoints);
        cluster.Follow(before);
        AssertShare(0.1 / 2.1, cluster);

        _pool.Time.Advance(TimeSpan.FromSeconds(30));
        AssertShare(0.5 / 2.5, cluster);

        // Another change meanwhile does not begin it anew.
        var later = Cluster(policy, endpoints);
        later.Follow(cluster);
        AssertShare(0.5 / 2.5, later);

        _pool.Time.Advance(TimeSpan.FromSeconds(31));
        AssertShare(1 / 3.0, later);
    }

    [Fact]
    public void Endpoints_that_were_there_from_the_beginning_are_not_new()
    {
        var cluster = Cluster(LoadBalancingPolicy.RoundRobin, _pool.Endpoints(3));
        cluster.Follow(null);
        AssertShare(1 / 3.0, cluster);
    }

    private static void AssertShare(double share, Cluster cluster) =>
        Pool.AssertShare(share, Pool.Count(cluster, Picks).GetValueOrDefault(3), Picks);

    private Cluster Cluster(LoadBalancingPolicy policy, IReadOnlyList<Endpoint> endpoints) => new()
    {
        Name = "test",
        Endpoints = endpoints,
        Balancing = new Balancing { Policy = policy, SlowStart = new SlowStart(TimeSpan.FromMinutes(1)) },
        Clock = _pool.Clock,
    };
}
