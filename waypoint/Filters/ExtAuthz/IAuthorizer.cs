using Waypoint.Proxy.Forwarding;

namespace Waypoint.Proxy.Filters.ExtAuthz;

/// <summary>Asks an authorisation service about requests. Never throws for what the service does.</summary>
internal interface IAuthorizer
{
    /// <param name="exchange">The request.</param>
    /// <param name="body">Its body, as far as it was read; null when the service is not to see it.</param>
    /// <param name="context">What the route tells the service.</param>
    Task<AuthzVerdict> CheckAsync(Exchange exchange, RequestStart? body, IReadOnlyDictionary<string, string> context);
}
