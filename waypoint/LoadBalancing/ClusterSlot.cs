namespace Waypoint.Proxy.LoadBalancing;

/// <summary>
/// A named place for a cluster. Routes hold the slot, so that a change of endpoints is one volatile write here
/// and rebuilds no route table. A request reads <see cref="Current"/> once and keeps what it read.
/// </summary>
internal sealed class ClusterSlot(string name)
{
    private volatile Cluster? _current;

    public string Name { get; } = name;

    /// <summary>What is under way to the cluster; it outlives a change of endpoints.</summary>
    public ClusterLoad Load { get; } = new();

    /// <summary>Null when the configuration names a cluster that was never sent: the request gets <see cref="Routing.ForwardAction.MissingClusterStatus"/>.</summary>
    public Cluster? Current
    {
        get => _current;
        set => _current = value;
    }
}
