namespace Waypoint.Proxy.LoadBalancing;

/// <summary>
/// A named place for a cluster. Routes hold the slot, so that a change of endpoints is one volatile write here
/// and rebuilds no route table. A request reads <see cref="Current"/> once and keeps what it read.
/// </summary>
internal sealed class ClusterSlot(string name)
{
    private volatile Cluster? _current;

    public string Name { get; } = name;

    /// <summary>Null when the configuration names a cluster that was never sent: the request gets <see cref="Routing.ForwardAction.MissingClusterStatus"/>.</summary>
    public Cluster? Current
    {
        get => _current;
        set => _current = value;
    }
}
