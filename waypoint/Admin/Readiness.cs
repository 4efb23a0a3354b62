using Waypoint.Proxy.Drain;
using Waypoint.Proxy.Hbone.Inbound;
using Waypoint.Proxy.Xds;

namespace Waypoint.Proxy.Admin;

/// <summary>Whether traffic should come here: the configuration and the certificate have arrived, and this waypoint is not on its way out.</summary>
internal sealed class Readiness(MeshSubscription subscription, HboneServer hbone, DrainState drain)
{
    /// <summary>Envoy's word for the state (<c>/server_info</c>, <c>/ready</c>).</summary>
    public string State => drain.IsDraining ? "DRAINING" : IsSupplied ? "LIVE" : "INITIALIZING";

    public bool IsReady => !drain.IsDraining && IsSupplied;

    private bool IsSupplied => subscription.IsConfigured && hbone.IsReady;

    /// <summary>200 or 503, and the state in words.</summary>
    public Task AnswerAsync(HttpContext context)
    {
        context.Response.StatusCode = IsReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return context.WriteTextAsync($"{State}\n");
    }
}
