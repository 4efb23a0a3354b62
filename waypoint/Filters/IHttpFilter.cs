using Waypoint.Proxy.Forwarding;

namespace Waypoint.Proxy.Filters;

/// <summary>
/// One HTTP filter of a chain. The filters of a chain run in its order, after the route was found and before anything is done about it, so
/// that a filter may read what the route says of it (<see cref="RouteFilterSettings"/>). A chain's filters are shared by all its
/// requests and live as long as the snapshot does.
/// </summary>
/// <remarks>A filter that changes the answer registers with <c>Response.OnStarting</c>: that is called for a backend's answer and for our own.</remarks>
internal interface IHttpFilter
{
    /// <returns>False when the filter answered or broke off the request itself; nothing that comes after it runs.</returns>
    ValueTask<bool> OnRequestAsync(Exchange exchange);
}
