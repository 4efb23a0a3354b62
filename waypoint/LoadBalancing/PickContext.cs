using System.Net;

namespace Waypoint.Proxy.LoadBalancing;

/// <summary>What a pick depends on beyond the cluster itself. The default has no wishes.</summary>
internal readonly ref struct PickContext
{
    public PickContext()
    {
    }

    public Random Random { get; init; } = Random.Shared;

    /// <summary>Of what should lead to the same endpoint again; null when the request has nothing of that kind, and policies that hash draw lots.</summary>
    public ulong? Hash { get; init; }

    /// <summary>Endpoints that were tried already and are passed over while there is another one.</summary>
    public ReadOnlySpan<Endpoint> Previous { get; init; }

    /// <summary>How many picks may be made to find an endpoint that is not in <see cref="Previous"/> before all are looked through for one.</summary>
    public int Attempts { get; init; } = 1;

    /// <summary>This one, if the cluster has it and it is usable (session affinity).</summary>
    public IPEndPoint? Preferred { get; init; }

    /// <summary>Where the client wanted to go: the answer of a cluster of the kind original destination.</summary>
    public IPEndPoint? OriginalDestination { get; init; }
}
