using System.Net;
using Waypoint.Proxy.LoadBalancing;

namespace Waypoint.Proxy.Tests.LoadBalancing;

/// <summary>Clusters of endpoints 10.0.0.1, 10.0.0.2 … on a clock that the test moves.</summary>
internal sealed class Pool
{
    public Pool()
    {
        Clock = new HealthClock(Time);
        States = new EndpointStates(Clock);
    }

    public ManualTime Time { get; } = new();

    public HealthClock Clock { get; }

    public EndpointStates States { get; }

    public static int Number(Endpoint endpoint) => endpoint.Address.Address.GetAddressBytes()[3];

    public static IPEndPoint Address(int number) => new(new IPAddress([10, 0, 0, (byte)number]), 80);

    public Endpoint Endpoint(int number, uint weight = 1, int priority = 0, Locality? locality = null, bool healthy = true) => new()
    {
        Address = Address(number),
        Weight = weight,
        Priority = priority,
        Locality = locality ?? Locality.None,
        IsHealthy = healthy,
        State = States.Get(Address(number)),
    };

    public Endpoint[] Endpoints(int count) => [.. Enumerable.Range(1, count).Select(number => Endpoint(number))];

    public Cluster Cluster(
        IReadOnlyList<Endpoint> endpoints,
        LoadBalancingPolicy policy = LoadBalancingPolicy.Random,
        OutlierDetection? outliers = null,
        double panic = 50,
        IReadOnlyDictionary<(int, Locality), uint>? localities = null) => new()
    {
        Name = "test",
        Endpoints = endpoints,
        Balancing = new Balancing { Policy = policy },
        Outliers = outliers ?? OutlierDetection.Default,
        PanicThreshold = panic,
        LocalityWeights = localities,
        Clock = Clock,
    };

    /// <summary>How often each endpoint is picked, by its number.</summary>
    public static Dictionary<int, int> Count(Cluster cluster, int picks, int seed = 1)
    {
        var random = new Random(seed);
        return Enumerable.Range(0, picks)
            .Select(_ => Number(cluster.Pick(new PickContext { Random = random })!))
            .CountBy(number => number)
            .ToDictionary();
    }

    /// <summary>
    /// Asserts that <paramref name="count"/> is what <paramref name="picks"/> tries of probability <paramref name="share"/> give: within
    /// five standard deviations, which chance leaves once in two million.
    /// </summary>
    public static void AssertShare(double share, int count, int picks)
    {
        var deviation = Math.Sqrt(picks * share * (1 - share));
        Assert.InRange(count, (picks * share) - (5 * deviation), (picks * share) + (5 * deviation));
    }
}
