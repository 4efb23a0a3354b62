using System.Text;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.LoadBalancing.Hashing;

namespace Waypoint.Proxy.Tests.LoadBalancing;

/// <summary>Equal hashes to equal endpoints: how even, how steady, and by which functions.</summary>
public sealed class HashingTests
{
    private const int Keys = 10_000;
    private static readonly Locality Here = new("r", "here", "");
    private static readonly Locality There = new("r", "there", "");
    private readonly Pool _pool = new();

    // The vectors of the functions' own test suites, and of libstdc++'s std::hash<std::string>.
    [Theory]
    [InlineData("", 0xEF46DB3751D8E999)]
    [InlineData("a", 0xD24EC4F1A98C6E5B)]
    [InlineData("as", 0x1C330FB2D66BE179)]
    [InlineData("abc", 0x44BC2CF5AD770999)]
    [InlineData("asdf", 0x415872F599CEA71E)]
    [InlineData("Call me Ishmael. Some years ago--never mind how long precisely-", 0x02A2E85470D6FD96)]
    public void Xxh64_is_the_published_function(string text, ulong hash) => Assert.Equal(hash, XxHash64.Hash(text));

    [Theory]
    [InlineData("", 0x553E93901E462A6E)]
    [InlineData("a", 0x454DDEE488C1ED6B)]
    [InlineData("1234567", 0x6D7A4E79E8A2CBF6)]
    [InlineData("12345678", 0x8C5B90A33A04DCA5)]
    [InlineData("10.0.0.1:80_0", 0xBD8F6461ECFFB28C)]
    public void Murmur_is_the_function_of_libstdcpp(string text, ulong hash) => Assert.Equal(hash, MurmurHash2.Hash(Encoding.ASCII.GetBytes(text)));

    [Theory]
    [InlineData(LoadBalancingPolicy.RingHash)]
    [InlineData(LoadBalancingPolicy.Maglev)]
    internal void Equal_hashes_meet_equal_endpoints_whatever_came_between(LoadBalancingPolicy policy)
    {
        var one = Cluster(policy, _pool.Endpoints(10));
        var other = Cluster(policy, [.. _pool.Endpoints(10).Reverse()]);
        Assert.Equal(Owners(one), Owners(one));
        if (policy == LoadBalancingPolicy.RingHash)
        {
            Assert.Equal(Owners(one), Owners(other));
        }
    }

    [Theory]
    [InlineData(LoadBalancingPolicy.RingHash, 0.25)]
    [InlineData(LoadBalancingPolicy.Maglev, 0.05)]
    internal void Shares_follow_the_weights(LoadBalancingPolicy policy, double tolerance)
    {
        var counts = Owners(Cluster(policy, [_pool.Endpoint(1, 1), _pool.Endpoint(2, 2), _pool.Endpoint(3, 3), _pool.Endpoint(4, 4)])).CountBy(o => o).ToDictionary();
        foreach (var number in Enumerable.Range(1, 4))
        {
            // Beyond the tolerance of the table: what chance does to ten thousand keys.
            var expected = Keys * number / 10.0;
            Assert.InRange(counts[number], (expected * (1 - tolerance)) - (4 * Math.Sqrt(expected)), (expected * (1 + tolerance)) + (4 * Math.Sqrt(expected)));
        }
    }

    [Theory]
    [InlineData(LoadBalancingPolicy.RingHash)]
    [InlineData(LoadBalancingPolicy.Maglev)]
    internal void When_one_endpoint_of_n_leaves_only_its_share_and_little_more_moves(LoadBalancingPolicy policy)
    {
        const int Count = 20;
        var endpoints = _pool.Endpoints(Count);
        var before = Owners(Of(endpoints));
        var after = Owners(Of([.. endpoints.Where((_, i) => i != 7)]));
        var moved = before.Zip(after).Count(pair => pair.First != pair.Second);
        Assert.InRange(moved, 1, (int)(1.5 * Keys / Count));
        Assert.DoesNotContain(8, after);
        if (policy == LoadBalancingPolicy.RingHash)
        {
            Assert.All(before.Zip(after), pair => Assert.True(pair.First == pair.Second || pair.First == 8));
        }

        // Shares on a ring of 1,024 places for twenty endpoints differ by half; this one is fine enough to say something of the share.
        Cluster Of(Endpoint[] endpoints) => new()
        {
            Name = "test",
            Endpoints = endpoints,
            Balancing = new Balancing { Policy = policy, Ring = new RingSettings(MinimumSize: 32768) },
            Clock = _pool.Clock,
        };
    }

    [Theory]
    [InlineData(LoadBalancingPolicy.RingHash)]
    [InlineData(LoadBalancingPolicy.Maglev)]
    internal void An_endpoint_that_is_put_aside_gives_its_hashes_away_and_gets_them_back(LoadBalancingPolicy policy)
    {
        var endpoints = _pool.Endpoints(5);
        var cluster = Cluster(policy, endpoints);
        var before = Owners(cluster);
        cluster.ReportFailure(endpoints[2], FailureKind.Connect);
        Assert.DoesNotContain(3, Owners(cluster));

        _pool.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(before, Owners(cluster));
    }

    [Theory]
    [InlineData(LoadBalancingPolicy.RingHash)]
    [InlineData(LoadBalancingPolicy.Maglev)]
    internal void A_retry_goes_to_another_endpoint(LoadBalancingPolicy policy)
    {
        var cluster = Cluster(policy, _pool.Endpoints(10));
        for (var key = 0; key < 100; key++)
        {
            var first = cluster.Pick(new PickContext { Hash = Hash(key) })!;
            var second = cluster.Pick(new PickContext { Hash = Hash(key), Previous = new[] { first }, Attempts = 5 })!;
            Assert.NotSame(first, second);
        }
    }

    [Theory]
    [InlineData(LoadBalancingPolicy.RingHash)]
    [InlineData(LoadBalancingPolicy.Maglev)]
    internal void Without_a_hash_lots_are_drawn(LoadBalancingPolicy policy) =>
        Assert.Equal(5, Pool.Count(Cluster(policy, _pool.Endpoints(5)), 1000).Count);

    [Theory]
    [InlineData(LoadBalancingPolicy.RingHash)]
    [InlineData(LoadBalancingPolicy.Maglev)]
    internal void Priorities_and_localities_keep_their_shares(LoadBalancingPolicy policy)
    {
        // The first priority is half dead: it keeps 70 %, of which one locality has three quarters.
        var cluster = Cluster(
            policy,
            [
                .. Enumerable.Range(1, 4).Select(i => _pool.Endpoint(i, locality: Here, healthy: i <= 2)),
                .. Enumerable.Range(5, 4).Select(i => _pool.Endpoint(i, locality: There, healthy: i <= 6)),
                .. Enumerable.Range(9, 2).Select(i => _pool.Endpoint(i, priority: 1, locality: There)),
            ],
            new Dictionary<(int, Locality), uint> { [(0, Here)] = 3, [(0, There)] = 1, [(1, There)] = 1 });
        var owners = Owners(cluster);
        Assert.Equal(owners, Owners(cluster));
        Assert.InRange(owners.Count(o => o <= 4), 0.45 * Keys, 0.60 * Keys);
        Assert.InRange(owners.Count(o => o is > 4 and <= 8), 0.12 * Keys, 0.23 * Keys);
        Assert.InRange(owners.Count(o => o > 8), 0.27 * Keys, 0.33 * Keys);
    }

    [Theory]
    [InlineData(1024, 8_388_608, 3, 1536)]
    [InlineData(1024, 8_388_608, 4, 1024)]
    [InlineData(1, 8_388_608, 3, 3)]
    [InlineData(1024, 1024, 3, 1024)]
    [InlineData(1, 2, 3, 2)]
    public void A_ring_is_as_large_as_the_lightest_endpoint_needs_within_its_limits(ulong minimum, ulong maximum, int endpoints, int size) =>
        Assert.Equal(
            size,
            new HashRing([.. _pool.Endpoints(endpoints).Select(e => new WeightedEndpoint(e, 1))], new RingSettings(minimum, maximum)).Size);

    [Theory]
    [InlineData(LoadBalancingPolicy.RingHash)]
    [InlineData(LoadBalancingPolicy.Maglev)]
    internal void A_table_is_not_made_again_for_the_health_of_others(LoadBalancingPolicy policy)
    {
        var cluster = Cluster(policy, _pool.Endpoints(50));
        cluster.Pick(new PickContext { Hash = 1 });
        var before = GC.GetAllocatedBytesForCurrentThread();
        _pool.Clock.Changed();
        cluster.Pick(new PickContext { Hash = 1 });
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16_000);
    }

    private static ulong Hash(int key) => XxHash64.Hash($"user-{key}");

    private static int[] Owners(Cluster cluster) =>
        [.. Enumerable.Range(0, Keys).Select(key => Pool.Number(cluster.Pick(new PickContext { Hash = Hash(key) })!))];

    private Cluster Cluster(LoadBalancingPolicy policy, IReadOnlyList<Endpoint> endpoints, IReadOnlyDictionary<(int, Locality), uint>? localities = null) =>
        _pool.Cluster(endpoints, policy, localities: localities);
}
