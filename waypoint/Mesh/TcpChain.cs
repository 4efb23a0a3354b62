using System.Collections.Immutable;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Tcp;
using Waypoint.Proxy.Telemetry.AccessLogging;
using Waypoint.Proxy.Telemetry.Stats;

namespace Waypoint.Proxy.Mesh;

/// <summary>The byte-for-byte behaviour of one service port.</summary>
/// <param name="Name">istiod's name for it, such as <c>inbound-vip|9090|tcp|echo.shop.svc.cluster.local</c>.</param>
/// <param name="Clusters">Where a connection goes; the choice is made once per connection.</param>
internal sealed record TcpChain(string Name, WeightedClusters Clusters)
{
    /// <summary>What a connection passes through before a backend is dialled, in this order.</summary>
    public ImmutableArray<INetworkFilter> Filters { get; init; } = [];

    /// <summary>Who is behind an address, for what is told of its connections.</summary>
    public WorkloadDirectory Workloads { get; init; } = new();

    /// <summary>The client's address leads it to the same endpoint again, in clusters whose policy hashes.</summary>
    public bool HashesClient { get; init; }

    /// <summary>A connection on which nothing moves for so long is closed; null leaves it to the program's own limit.</summary>
    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>A connection is closed when it is so old; zero is never.</summary>
    public TimeSpan MaxDuration { get; init; }

    /// <summary>How many endpoints are tried before the client is turned away.</summary>
    public int ConnectAttempts { get; init; } = 3;

    /// <summary>The logs in which its connections get lines.</summary>
    public ImmutableArray<AccessLogger> AccessLogs { get; init; } = [];

    /// <summary>What is changed about the standard metrics.</summary>
    public StatsSettings Stats { get; init; } = StatsSettings.Default;

    /// <summary>A filter looks at the server that the client's TLS asks for.</summary>
    public bool NeedsServerName => Filters.Any(filter => filter.NeedsServerName);

    /// <summary>Runs the filters; false when one of them wants the connection closed.</summary>
    public async ValueTask<bool> AdmitAsync(TcpConnection connection)
    {
        foreach (var filter in Filters)
        {
            if (!await filter.OnConnectionAsync(connection))
            {
                return false;
            }
        }

        return true;
    }
}
