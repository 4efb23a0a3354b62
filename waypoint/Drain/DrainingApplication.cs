using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace Waypoint.Proxy.Drain;

/// <summary>
/// While draining, every answer asks the client to take its next request elsewhere: <c>Connection: close</c> in HTTP/1.1, GOAWAY in HTTP/2.
/// An idle connection is not touched until the end, as its client may be sending a request at this very moment.
/// </summary>
internal sealed class DrainingApplication<TContext>(IHttpApplication<TContext> application, DrainState drain) : IHttpApplication<TContext>
    where TContext : HttpContext
{
    public TContext CreateContext(IFeatureCollection contextFeatures) => application.CreateContext(contextFeatures);

    public Task ProcessRequestAsync(TContext context)
    {
        if (drain.IsDraining)
        {
            context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        }

        return application.ProcessRequestAsync(context);
    }

    public void DisposeContext(TContext context, Exception? exception) => application.DisposeContext(context, exception);
}
