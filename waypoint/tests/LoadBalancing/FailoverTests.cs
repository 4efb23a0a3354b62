using Waypoint.Proxy.LoadBalancing;

namespace Waypoint.Proxy.Tests.LoadBalancing;

/// <summary>Priorities, localities and panic, with Envoy's arithmetic.</summary>
public sealed class FailoverTests
{
    private const int Picks = 20_000;
    private static readonly Locality Here = new("r", "here", "");
    private static readonly Locality There = new("r", "there", "");
    private readonly Pool _pool = new();

    [Theory]
    [InlineData(10, 10, 1.00)]
    [InlineData(8, 10, 1.00)]
    [InlineData(7, 10, 0.98)]
    [InlineData(5, 10, 0.70)]
    [InlineData(1, 10, 0.14)]
    [InlineData(0, 10, 0.00)]
    public void A_priority_takes_its_healthy_share_times_the_overprovisioning_factor(int healthy, int total, double share)
    {
        var cluster = _pool.Cluster(
        [
            .. Enumerable.Range(1, total).Select(i => _pool.Endpoint(i, healthy: i <= healthy)),
            .. Enumerable.Range(101, 10).Select(i => _pool.Endpoint(i, priority: 1)),
        ]);
        var first = Pool.Count(cluster, Picks).Where(c => c.Key < 100).Sum(c => c.Value);
        Pool.AssertShare(share, first, Picks);
    }

    [Fact]
    public void What_two_weak_priorities_leave_goes_to_the_third()
    {
        var cluster = _pool.Cluster(
        [
            _pool.Endpoint(1), _pool.Endpoint(2, healthy: false), _pool.Endpoint(3, healthy: false), _pool.Endpoint(4, healthy: false),
            _pool.Endpoint(5, priority: 1), _pool.Endpoint(6, priority: 1, healthy: false), _pool.Endpoint(7, priority: 1, healthy: false), _pool.Endpoint(8, priority: 1, healthy: false),
            _pool.Endpoint(9, priority: 2),
        ]);
        var counts = Pool.Count(cluster, Picks);
        Pool.AssertShare(0.35, counts[1], Picks);
        Pool.AssertShare(0.35, counts[5], Picks);
        Pool.AssertShare(0.30, counts[9], Picks);
    }

    [Fact]
    public void When_all_priorities_together_are_not_enough_the_rest_is_shared_in_proportion()
    {
        // 35 % and 35 %: 70 in all, so half each; with the threshold at 0 no dead endpoint is used.
        var cluster = _pool.Cluster(
        [
            _pool.Endpoint(1), _pool.Endpoint(2, healthy: false), _pool.Endpoint(3, healthy: false), _pool.Endpoint(4, healthy: false),
            _pool.Endpoint(5, priority: 1), _pool.Endpoint(6, priority: 1, healthy: false), _pool.Endpoint(7, priority: 1, healthy: false), _pool.Endpoint(8, priority: 1, healthy: false),
        ],
        panic: 0);
        var counts = Pool.Count(cluster, Picks);
        Assert.Equal(2, counts.Count);
        Pool.AssertShare(0.5, counts[1], Picks);
    }

    [Fact]
    public void Below_the_panic_threshold_dead_endpoints_are_used_too()
    {
        Endpoint[] endpoints = [_pool.Endpoint(1), .. Enumerable.Range(2, 3).Select(i => _pool.Endpoint(i, healthy: false))];
        Assert.Equal(4, Pool.Count(_pool.Cluster(endpoints, panic: 50), Picks).Count);
        Assert.Equal([1], Pool.Count(_pool.Cluster(endpoints, panic: 0), Picks).Keys);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    public void When_none_is_healthy_all_are_used(double panic)
    {
        var cluster = _pool.Cluster(
            [_pool.Endpoint(1, healthy: false), _pool.Endpoint(2, healthy: false), _pool.Endpoint(3, priority: 1, healthy: false)], panic: panic);
        Assert.Equal(3, Pool.Count(cluster, Picks).Count);
    }

    [Fact]
    public void Localities_share_by_their_weights()
    {
        var cluster = _pool.Cluster(
            [_pool.Endpoint(1, locality: Here), _pool.Endpoint(2, locality: There), _pool.Endpoint(3, locality: There)],
            localities: new Dictionary<(int, Locality), uint> { [(0, Here)] = 80, [(0, There)] = 20 });
        var counts = Pool.Count(cluster, Picks);
        Pool.AssertShare(0.8, counts[1], Picks);
        Pool.AssertShare(0.1, counts[2], Picks);
        Pool.AssertShare(0.1, counts[3], Picks);
    }

    [Fact]
    public void A_locality_that_is_half_dead_gives_load_away()
    {
        // Here: 1.4 × 1/2 = 0.7 of its weight.
        var cluster = _pool.Cluster(
            [_pool.Endpoint(1, locality: Here), _pool.Endpoint(2, locality: Here, healthy: false), _pool.Endpoint(3, locality: There)],
            localities: new Dictionary<(int, Locality), uint> { [(0, Here)] = 1, [(0, There)] = 1 });
        Pool.AssertShare(0.7 / 1.7, Pool.Count(cluster, Picks)[1], Picks);
    }

    [Fact]
    public void Localities_without_weights_play_no_part()
    {
        var cluster = _pool.Cluster([_pool.Endpoint(1, locality: Here), _pool.Endpoint(2, locality: There), _pool.Endpoint(3, locality: There)]);
        Pool.AssertShare(1 / 3.0, Pool.Count(cluster, Picks)[1], Picks);
    }
}
