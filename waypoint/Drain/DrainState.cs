namespace Waypoint.Proxy.Drain;

/// <summary>Whether this waypoint is on its way out: not ready any more, and asking its clients to go elsewhere.</summary>
internal sealed class DrainState
{
    private volatile bool _isDraining;

    public bool IsDraining => _isDraining;

    public void Begin() => _isDraining = true;
}
