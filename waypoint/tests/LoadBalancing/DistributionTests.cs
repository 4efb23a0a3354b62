using Waypoint.Proxy.LoadBalancing;

namespace Waypoint.Proxy.Tests.LoadBalancing;

public sealed class DistributionTests
{
    private const int Picks = 20_000;
    private readonly Pool _pool = new();

    [Fact]
    public void Round_robin_takes_equal_endpoints_in_turn()
    {
        var cluster = _pool.Cluster(_pool.Endpoints(3), LoadBalancingPolicy.RoundRobin);
        var picks = Enumerable.Range(0, 9).Select(_ => Pool.Number(cluster.Pick(new PickContext())!)).ToArray();
        Assert.Equal(3, picks.Take(3).Distinct().Count());
        Assert.Equal(picks.Take(3), picks.Skip(3).Take(3));
        Assert.Equal(picks.Take(3), picks.Skip(6));
    }

    [Fact]
    public void Round_robin_keeps_to_the_weights_over_every_stretch()
    {
        var cluster = _pool.Cluster([_pool.Endpoint(1, 5), _pool.Endpoint(2, 3), _pool.Endpoint(3, 2)], LoadBalancingPolicy.RoundRobin);
        for (var stretch = 0; stretch < 50; stretch++)
        {
            var counts = Pool.Count(cluster, 100);
            Assert.InRange(counts[1], 47, 53);
            Assert.InRange(counts[2], 27, 33);
            Assert.InRange(counts[3], 17, 23);
        }
    }

    [Theory]
    [InlineData(LoadBalancingPolicy.Random)]
    [InlineData(LoadBalancingPolicy.LeastRequest)]
    internal void Idle_endpoints_get_requests_by_their_weights(LoadBalancingPolicy policy)
    {
        var cluster = _pool.Cluster([_pool.Endpoint(1, 6), _pool.Endpoint(2, 3), _pool.Endpoint(3, 1)], policy);
        var counts = Pool.Count(cluster, Picks);
        Pool.AssertShare(0.6, counts[1], Picks);
        Pool.AssertShare(0.3, counts[2], Picks);
        Pool.AssertShare(0.1, counts[3], Picks);
    }

    [Theory]
    [InlineData(LoadBalancingPolicy.Random)]
    [InlineData(LoadBalancingPolicy.LeastRequest)]
    internal void Idle_endpoints_of_equal_weight_get_equal_shares(LoadBalancingPolicy policy)
    {
        var counts = Pool.Count(_pool.Cluster(_pool.Endpoints(7), policy), Picks);
        Assert.All(Enumerable.Range(1, 7), number => Pool.AssertShare(1 / 7.0, counts[number], Picks));
    }

    [Fact]
    public void Least_request_avoids_the_busy_one_of_two()
    {
        var endpoints = _pool.Endpoints(2);
        endpoints[0].State.RequestStarted();
        Assert.Equal([2], Pool.Count(_pool.Cluster(endpoints, LoadBalancingPolicy.LeastRequest), 100).Keys);

        endpoints[0].State.RequestEnded();
        Assert.Equal(2, Pool.Count(_pool.Cluster(endpoints, LoadBalancingPolicy.LeastRequest), 100).Count);
    }

    [Fact]
    public void Least_request_picks_the_busiest_of_many_only_when_nothing_else_was_drawn()
    {
        var endpoints = _pool.Endpoints(4);
        for (var i = 0; i < 4; i++)
        {
            for (var busy = 0; busy < i; busy++)
            {
                endpoints[i].State.RequestStarted();
            }
        }

        // Of two different ones the less busy wins: 3/6, 2/6, 1/6, never the busiest.
        var counts = Pool.Count(_pool.Cluster(endpoints, LoadBalancingPolicy.LeastRequest), Picks);
        Pool.AssertShare(0.5, counts[1], Picks);
        Pool.AssertShare(2 / 6.0, counts[2], Picks);
        Pool.AssertShare(1 / 6.0, counts[3], Picks);
        Assert.DoesNotContain(4, counts);
    }

    [Fact]
    public void More_choices_avoid_busy_endpoints_better()
    {
        var endpoints = _pool.Endpoints(10);
        endpoints[0].State.RequestStarted();
        int Busy(int choices) => Pool.Count(
            new Cluster { Name = "test", Endpoints = endpoints, Balancing = new Balancing { Choices = choices }, Clock = _pool.Clock }, Picks).GetValueOrDefault(1);

        // It is picked only when every choice falls on it.
        Assert.Equal(0, Busy(2));
        Assert.Equal(0, Busy(5));
        foreach (var endpoint in endpoints[1..])
        {
            endpoint.State.RequestStarted();
            endpoint.State.RequestStarted();
        }

        // The idlest wins whenever it is among the choices.
        Pool.AssertShare(2 / 10.0, Busy(2), Picks);
        Pool.AssertShare(1 - Math.Pow(0.9, 5), Busy(5), Picks);
    }

    [Fact]
    public void Load_in_flight_settles_in_proportion_to_the_weights()
    {
        var endpoints = new[] { _pool.Endpoint(1, 3), _pool.Endpoint(2, 1) };
        var cluster = _pool.Cluster(endpoints, LoadBalancingPolicy.LeastRequest);
        var random = new Random(1);
        for (var i = 0; i < 400; i++)
        {
            cluster.Pick(new PickContext { Random = random })!.State.RequestStarted();
        }

        Assert.InRange(endpoints[0].State.ActiveRequests, 290, 310);
    }

    [Fact]
    public void A_cluster_without_endpoints_has_none_to_pick() => Assert.Null(_pool.Cluster([]).Pick(new PickContext()));

    [Fact]
    public void A_cluster_that_must_not_be_used_has_none_to_pick()
    {
        var cluster = new Cluster { Name = "tls", Endpoints = _pool.Endpoints(1), Unusable = "TLS" };
        Assert.Null(cluster.Pick(new PickContext()));
    }

    [Fact]
    public void An_original_destination_is_its_own_endpoint()
    {
        var cluster = new Cluster { Name = "encap", Endpoints = [], IsOriginalDestination = true };
        Assert.Equal(Pool.Address(9), cluster.Pick(new PickContext { OriginalDestination = Pool.Address(9) })!.Address);
        Assert.Null(cluster.Pick(new PickContext()));
    }

    [Theory]
    [InlineData(LoadBalancingPolicy.RoundRobin)]
    [InlineData(LoadBalancingPolicy.LeastRequest)]
    [InlineData(LoadBalancingPolicy.Random)]
    internal void An_endpoint_that_was_tried_is_passed_over_while_there_is_another(LoadBalancingPolicy policy)
    {
        var endpoints = _pool.Endpoints(20);
        var cluster = _pool.Cluster(endpoints, policy);
        var tried = new List<Endpoint>();
        for (var i = 0; i < 20; i++)
        {
            var pick = cluster.Pick(new PickContext { Previous = tried.ToArray(), Attempts = 5 })!;
            Assert.DoesNotContain(pick, tried);
            tried.Add(pick);
        }

        Assert.NotNull(cluster.Pick(new PickContext { Previous = tried.ToArray(), Attempts = 5 }));
    }

    [Fact]
    public void An_endpoint_tried_before_a_change_of_configuration_is_still_known()
    {
        var before = _pool.Endpoints(2);
        var after = _pool.Cluster(_pool.Endpoints(2));
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(2, Pool.Number(after.Pick(new PickContext { Previous = new[] { before[0] } })!));
        }
    }

    [Fact]
    public void A_preferred_endpoint_is_picked_while_it_is_usable()
    {
        var endpoints = _pool.Endpoints(5);
        var cluster = _pool.Cluster(endpoints);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(4, Pool.Number(cluster.Pick(new PickContext { Preferred = Pool.Address(4) })!));
        }

        cluster.ReportFailure(endpoints[3], FailureKind.Connect);
        Assert.NotEqual(4, Pool.Number(cluster.Pick(new PickContext { Preferred = Pool.Address(4) })!));
        Assert.NotNull(cluster.Pick(new PickContext { Preferred = Pool.Address(99) }));
    }

    [Theory]
    [InlineData(LoadBalancingPolicy.RoundRobin)]
    [InlineData(LoadBalancingPolicy.LeastRequest)]
    [InlineData(LoadBalancingPolicy.Random)]
    [InlineData(LoadBalancingPolicy.RingHash)]
    [InlineData(LoadBalancingPolicy.Maglev)]
    internal void Picking_allocates_nothing(LoadBalancingPolicy policy)
    {
        var cluster = _pool.Cluster([_pool.Endpoint(1, 2), _pool.Endpoint(2), _pool.Endpoint(3, 1, priority: 1)], policy);
        var tried = new[] { cluster.Pick(new PickContext())! };
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            var pick = cluster.Pick(new PickContext { Previous = tried, Attempts = 5 })!;
            pick.State.RequestStarted();
            cluster.ReportSuccess(pick);
            pick.State.RequestEnded();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
