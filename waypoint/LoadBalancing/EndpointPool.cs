namespace Waypoint.Proxy.LoadBalancing;

/// <summary>Endpoints of one priority, and of one locality where those have weights, among which only weight and policy decide. Immutable.</summary>
internal abstract class EndpointPool(Endpoint[] endpoints)
{
    public ReadOnlySpan<Endpoint> Endpoints => endpoints;

    /// <param name="cluster">Whose endpoints they are.</param>
    /// <param name="random">For policies that draw.</param>
    /// <param name="turn">For <see cref="LoadBalancingPolicy.RoundRobin"/>, which moves it on by one.</param>
    /// <param name="hash">For policies that hash.</param>
    /// <param name="attempt">0 at first; a policy that hashes leads each next one elsewhere.</param>
    public abstract Endpoint Pick(Cluster cluster, Random random, ref uint turn, ulong hash, int attempt);
}
