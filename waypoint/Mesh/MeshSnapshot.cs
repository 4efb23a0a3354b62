using System.Collections.Frozen;
using System.Net;

namespace Waypoint.Proxy.Mesh;

/// <summary>Everything that the configuration says, at one moment. Immutable; see <see cref="MeshState"/>.</summary>
internal sealed class MeshSnapshot
{
    private readonly FrozenDictionary<IPEndPoint, Destination> _services;

    public MeshSnapshot(IEnumerable<KeyValuePair<IPEndPoint, Destination>> services) =>
        _services = services.ToFrozenDictionary();

    public static MeshSnapshot Empty { get; } = new([]);

    /// <summary>Finds what serves connections to <paramref name="original"/>: first the exact service address and port, then workload addresses.</summary>
    public Destination? FindDestination(IPEndPoint original) => _services.GetValueOrDefault(original);
}

/// <summary>Holds the snapshot in force. Readers take it once per connection or request and keep it; a change is one volatile write.</summary>
internal sealed class MeshState
{
    private volatile MeshSnapshot _current = MeshSnapshot.Empty;

    public MeshSnapshot Current => _current;

    public void Publish(MeshSnapshot snapshot) => _current = snapshot;
}
