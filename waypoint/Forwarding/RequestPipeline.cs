using Microsoft.AspNetCore.Http.Features;
using Waypoint.Proxy.Listening;

namespace Waypoint.Proxy.Forwarding;

/// <summary>
/// The way of a request: the chain of the connection's destination, the route in it, then a redirect, an answer of our own, or a backend.
/// The connection must carry <see cref="IConnectionDestination"/> as a feature.
/// </summary>
internal sealed class RequestPipeline
{
    /// <summary>Answers <paramref name="context"/>; never throws for what a client or a backend does wrong.</summary>
    public Task HandleAsync(HttpContext context)
    {
        var chain = context.Features.GetRequiredFeature<IConnectionDestination>().CurrentChain();
        context.Response.StatusCode = chain is null ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }
}
