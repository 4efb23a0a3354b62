using Envoy.Service.Discovery.V3;

namespace Waypoint.Xds.Delta.Server;

/// <summary>
/// Chooses what a stream sends next. What refers to something comes after it (clusters, endpoints, listeners, routes), and what is referred to
/// goes last, when the client has acknowledged that it refers to it no more: at no moment does a route point at a cluster that the client lacks.
/// Each type has at most one response under way; what changes meanwhile goes out together, in its newest state, after the answer.
/// </summary>
internal sealed class PushOrder
{
    private static readonly string[] Ordered = [ResourceTypes.Cluster, ResourceTypes.Endpoints, ResourceTypes.Listener, ResourceTypes.Route];

    private readonly ResourceStore _store;
    private readonly Dictionary<string, ServerSubscription> _subscriptions = new(StringComparer.Ordinal);

    public PushOrder(ResourceStore store)
    {
        _store = store;
    }

    public IReadOnlyCollection<ServerSubscription> Subscriptions => _subscriptions.Values;

    public ServerSubscription? Find(string typeUrl) => _subscriptions.GetValueOrDefault(typeUrl);

    public void Add(ServerSubscription subscription) => _subscriptions.Add(subscription.TypeUrl, subscription);

    /// <summary>The next response, and whose it is; null when there is nothing to send for now.</summary>
    public (ServerSubscription Subscription, DeltaDiscoveryResponse Response)? Next()
    {
        lock (_store.Gate)
        {
            return NextOrdered() ?? NextOther();
        }
    }

    private (ServerSubscription, DeltaDiscoveryResponse)? NextOrdered()
    {
        foreach (var typeUrl in Ordered)
        {
            if (Find(typeUrl) is not { IsBehind: true } subscription)
            {
                continue;
            }

            if (subscription.AwaitedNonce is not null)
            {
                return null;
            }

            if (subscription.TakeChanges(IsReferredTo(typeUrl)) is { } response)
            {
                AskForEndpoints(response);
                return (subscription, response);
            }
        }

        return NextHeldRemovals();
    }

    private (ServerSubscription, DeltaDiscoveryResponse)? NextHeldRemovals()
    {
        if (IsAwaited(ResourceTypes.Listener) || IsAwaited(ResourceTypes.Route))
        {
            return null;
        }

        foreach (var typeUrl in Ordered)
        {
            if (Find(typeUrl) is { HasHeldRemovals: true, AwaitedNonce: null } subscription)
            {
                return (subscription, subscription.TakeHeldRemovals());
            }
        }

        return null;
    }

    private (ServerSubscription, DeltaDiscoveryResponse)? NextOther()
    {
        foreach (var subscription in _subscriptions.Values)
        {
            if (!Ordered.Contains(subscription.TypeUrl) && subscription is { IsBehind: true, AwaitedNonce: null }
                && subscription.TakeChanges(holdRemovals: false) is { } response)
            {
                return (subscription, response);
            }
        }

        return null;
    }

    /// <summary>
    /// Envoy warms a changed cluster until its endpoints come, and asks for them again only if it had let go of them. Endpoints carry their
    /// cluster's name, as in istiod.
    /// </summary>
    private void AskForEndpoints(DeltaDiscoveryResponse response)
    {
        if (response.TypeUrl == ResourceTypes.Cluster && Find(ResourceTypes.Endpoints) is { } endpoints)
        {
            foreach (var cluster in response.Resources)
            {
                endpoints.AskAgain(cluster.Name);
            }
        }
    }

    private bool IsAwaited(string typeUrl) => Find(typeUrl) is { AwaitedNonce: not null };

    private static bool IsReferredTo(string typeUrl) => typeUrl == ResourceTypes.Cluster || typeUrl == ResourceTypes.Endpoints;
}
