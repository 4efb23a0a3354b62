using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http.Features;

namespace Waypoint.Proxy.Forwarding;

/// <summary>
/// What Kestrel runs for each request: the pipeline and nothing around it. Hosting's own application would add an
/// activity, two log scopes and a context of its own per request.
/// </summary>
internal sealed class ProxyApplication(RequestPipeline pipeline) : IHttpApplication<DefaultHttpContext>
{
    /// <summary>Kestrel keeps one container per connection (per stream on HTTP/2) and reuses it, so its context is reused too.</summary>
    public DefaultHttpContext CreateContext(IFeatureCollection contextFeatures)
    {
        if (contextFeatures is not IHostContextContainer<DefaultHttpContext> container)
        {
            return new DefaultHttpContext(contextFeatures);
        }

        var context = container.HostContext ??= new DefaultHttpContext(contextFeatures);
        context.Initialize(contextFeatures);
        return context;
    }

    public Task ProcessRequestAsync(DefaultHttpContext context) => pipeline.HandleAsync(context);

    public void DisposeContext(DefaultHttpContext context, Exception? exception) => context.Uninitialize();
}
