using Waypoint.Proxy.LoadBalancing;

namespace Waypoint.Proxy.Tests.LoadBalancing;

public sealed class EjectionTests
{
    private static readonly OutlierDetection Envoy = new()
    {
        ConsecutiveServerErrors = 3,
        ConsecutiveGatewayFailures = 2,
        BaseEjectionTime = TimeSpan.FromSeconds(30),
        MaxEjectionPercent = 100,
    };

    private readonly Pool _pool = new();
    private readonly Endpoint[] _endpoints;

    public EjectionTests() => _endpoints = _pool.Endpoints(4);

    [Fact]
    public void A_failure_to_connect_puts_an_endpoint_aside_for_a_second_and_longer_each_time()
    {
        var cluster = _pool.Cluster(_endpoints);
        foreach (var seconds in new[] { 1, 2, 4, 8, 16, 30, 30 })
        {
            Assert.True(cluster.ReportFailure(_endpoints[0], FailureKind.Connect));
            AssertAside(cluster, 1);
            _pool.Time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
            AssertAside(cluster, 1);
            _pool.Time.Advance(TimeSpan.FromMilliseconds(1));
            AssertAside(cluster);
        }

        cluster.ReportSuccess(_endpoints[0]);
        cluster.ReportFailure(_endpoints[0], FailureKind.Connect);
        _pool.Time.Advance(TimeSpan.FromSeconds(1));
        AssertAside(cluster);
    }

    [Theory]
    [InlineData(true, FailureKind.Connect, 2)]
    [InlineData(true, FailureKind.NoAnswer, 2)]
    [InlineData(true, FailureKind.GatewayError, 5)]
    [InlineData(false, FailureKind.NoAnswer, 5)]
    internal void Failures_of_our_side_may_be_counted_by_themselves(bool split, FailureKind kind, int failures)
    {
        var cluster = _pool.Cluster(_endpoints, outliers: new OutlierDetection
        {
            ConsecutiveServerErrors = 5,
            ConsecutiveConnectFailures = split ? 2 : 0,
            SplitsLocalOrigin = split,
            MaxEjectionPercent = 100,
        });
        for (var failure = 1; failure < failures; failure++)
        {
            Assert.False(cluster.ReportFailure(_endpoints[0], kind));
        }

        Assert.True(cluster.ReportFailure(_endpoints[0], kind));
    }

    [Theory]
    [InlineData(FailureKind.ServerError)]
    [InlineData(FailureKind.GatewayError)]
    [InlineData(FailureKind.NoAnswer)]
    internal void Where_nothing_is_configured_only_connecting_counts(FailureKind kind)
    {
        var cluster = _pool.Cluster(_endpoints);
        for (var i = 0; i < 100; i++)
        {
            Assert.False(cluster.ReportFailure(_endpoints[0], kind));
        }

        AssertAside(cluster);
    }

    [Fact]
    public void The_last_endpoint_is_never_put_aside_by_default()
    {
        var cluster = _pool.Cluster(_endpoints, panic: 0);
        foreach (var endpoint in _endpoints)
        {
            cluster.ReportFailure(endpoint, FailureKind.Connect);
        }

        AssertAside(cluster, 1, 2, 3);
        Assert.False(_pool.Cluster([_pool.Endpoint(9)]).ReportFailure(_pool.Endpoint(9), FailureKind.Connect));
    }

    [Fact]
    public void Configured_errors_in_a_row_put_an_endpoint_aside_and_an_answer_between_them_does_not()
    {
        var cluster = _pool.Cluster(_endpoints, outliers: Envoy);
        Assert.False(cluster.ReportFailure(_endpoints[0], FailureKind.ServerError));
        Assert.False(cluster.ReportFailure(_endpoints[0], FailureKind.ServerError));
        cluster.ReportSuccess(_endpoints[0]);
        Assert.False(cluster.ReportFailure(_endpoints[0], FailureKind.ServerError));
        Assert.False(cluster.ReportFailure(_endpoints[0], FailureKind.ServerError));
        Assert.True(cluster.ReportFailure(_endpoints[0], FailureKind.ServerError));
        AssertAside(cluster, 1);
    }

    [Fact]
    public void A_plain_server_error_breaks_a_row_of_gateway_errors_but_not_of_errors()
    {
        var cluster = _pool.Cluster(_endpoints, outliers: Envoy);
        Assert.False(cluster.ReportFailure(_endpoints[0], FailureKind.GatewayError));
        Assert.False(cluster.ReportFailure(_endpoints[0], FailureKind.ServerError));
        Assert.True(cluster.ReportFailure(_endpoints[0], FailureKind.GatewayError));

        Assert.False(cluster.ReportFailure(_endpoints[1], FailureKind.Connect));
        Assert.True(cluster.ReportFailure(_endpoints[1], FailureKind.NoAnswer));
    }

    [Fact]
    public void Each_ejection_in_a_row_lasts_longer_by_the_base_time_and_rest_makes_them_shorter_again()
    {
        var cluster = _pool.Cluster(_endpoints, outliers: Envoy with { MaxEjectionTime = TimeSpan.FromSeconds(75) });
        foreach (var seconds in new[] { 30, 60, 75 })
        {
            Fail(cluster, _endpoints[0]);
            _pool.Time.Advance(TimeSpan.FromSeconds(seconds - 1));
            AssertAside(cluster, 1);
            _pool.Time.Advance(TimeSpan.FromSeconds(1));
            AssertAside(cluster);
        }

        // Two intervals of 10 s take two steps off the three.
        _pool.Time.Advance(TimeSpan.FromSeconds(20));
        Fail(cluster, _endpoints[0]);
        _pool.Time.Advance(TimeSpan.FromSeconds(60));
        AssertAside(cluster);
    }

    [Theory]
    [InlineData(100, false, 4)]
    [InlineData(50, false, 2)]
    [InlineData(49, false, 1)]
    [InlineData(10, false, 0)]
    [InlineData(10, true, 1)]
    public void Only_so_many_are_put_aside_at_one_time(int percent, bool always, int aside)
    {
        var cluster = _pool.Cluster(_endpoints, outliers: Envoy with { MaxEjectionPercent = percent, AlwaysEjectOne = always });
        foreach (var endpoint in _endpoints)
        {
            Fail(cluster, endpoint);
        }

        Assert.Equal(aside, _endpoints.Count(e => e.State.IsEjected(_pool.Time.GetTimestamp())));
    }

    [Fact]
    public void When_all_are_aside_all_are_used()
    {
        var cluster = _pool.Cluster(_endpoints, outliers: Envoy, panic: 0);
        foreach (var endpoint in _endpoints)
        {
            Fail(cluster, endpoint);
        }

        AssertAside(cluster);
    }

    [Fact]
    public void Every_cluster_that_names_an_address_knows_that_it_is_aside()
    {
        var one = _pool.Cluster(_endpoints);
        var other = _pool.Cluster(_pool.Endpoints(3));
        AssertAside(other);

        one.ReportFailure(_endpoints[0], FailureKind.Connect);
        AssertAside(other, 1);
    }

    [Fact]
    public void What_is_known_of_an_endpoint_outlives_a_change_of_its_cluster()
    {
        var before = _pool.Cluster(_endpoints);
        before.ReportFailure(_endpoints[0], FailureKind.Connect);
        _endpoints[1].State.RequestStarted();

        var after = _pool.Cluster(_pool.Endpoints(6));
        AssertAside(after, 1);
        Assert.Equal(1, after.Endpoints[1].State.ActiveRequests);
    }

    [Fact]
    public void Threads_that_fail_at_once_eject_once()
    {
        var cluster = _pool.Cluster(_endpoints);
        Parallel.For(0, 64, _ => cluster.ReportFailure(_endpoints[0], FailureKind.Connect));
        Assert.Equal(1, _endpoints[0].State.TimesEjected);
    }

    private static void Fail(Cluster cluster, Endpoint endpoint)
    {
        for (var i = 0; i < 3; i++)
        {
            cluster.ReportFailure(endpoint, FailureKind.ServerError);
        }
    }

    private static void AssertAside(Cluster cluster, params int[] numbers)
    {
        var all = cluster.Endpoints.Select(Pool.Number).Order();
        Assert.Equal(all.Except(numbers), Pool.Count(cluster, 500).Keys.Order());
    }
}
