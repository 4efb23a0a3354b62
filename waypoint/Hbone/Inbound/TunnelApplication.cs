using System.ComponentModel;
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Sockets;

namespace Waypoint.Proxy.Hbone.Inbound;

/// <summary>
/// Answers CONNECT: a destination that is served gets 200, and its stream goes the way of every other connection through the listening plane.
/// </summary>
internal sealed class TunnelApplication(MeshState mesh, ListeningPlane plane, HboneMetrics metrics) : IHttpApplication<HttpContext>
{
    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public Task ProcessRequestAsync(HttpContext context)
    {
        // Classic CONNECT (RFC 9113, section 8.5); an extended one has a protocol of its own inside.
        if (!HttpMethods.IsConnect(context.Request.Method) || context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true })
        {
            return Refuse(context, StatusCodes.Status405MethodNotAllowed);
        }

        if (Authority.Parse(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget) is not { } authority)
        {
            return Refuse(context, StatusCodes.Status400BadRequest);
        }

        var peer = context.Features.GetRequiredFeature<TunnelPeer>();
        var destinations = mesh.Current.Destinations;
        var original = authority.Address ?? destinations.Names.Find(authority.Host, authority.Port);
        if (original is null || destinations.Find(original) is null || original.Address.Equals(peer.Local.Address))
        {
            return Refuse(context, StatusCodes.Status404NotFound);
        }

        var connection = new TunnelledConnection(original, peer.Remote, Client(context, peer), peer.Id.ToString(), peer.Local.Address);
        return ServeAsync(context, connection);
    }

    private async Task ServeAsync(HttpContext context, TunnelledConnection connection)
    {
        StreamBridge bridge;
        try
        {
            var near = SocketPair.Create(out var far);
            bridge = new StreamBridge(new InboundStream(context), near);
            bridge.Far = plane.Serve(connection, far, bridge.Resetting);
        }
        catch (Win32Exception)
        {
            await Refuse(context, StatusCodes.Status503ServiceUnavailable).ConfigureAwait(false);
            return;
        }

        if (bridge.Far is null)
        {
            bridge.Dispose();
            await Refuse(context, StatusCodes.Status503ServiceUnavailable).ConfigureAwait(false);
            return;
        }

        metrics.CountStream(StatusCodes.Status200OK);
        await context.Response.BodyWriter.FlushAsync().ConfigureAwait(false);
        await bridge.RunAsync().ConfigureAwait(false);
    }

    /// <summary>The peer, or the client that it names, if that is its own address or it may speak for others (design D3).</summary>
    private IPEndPoint Client(HttpContext context, TunnelPeer peer)
    {
        var named = ForwardedFor.Parse(context.Request.Headers["forwarded"]);
        var isBelieved = named is not null
            && (named.Address.Equals(peer.Remote.Address) || mesh.Workloads.Find(peer.Remote.Address) is { HasApplicationTunnel: true });
        return isBelieved ? named! : peer.Remote;
    }

    private Task Refuse(HttpContext context, int status)
    {
        metrics.CountStream(status);
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }
}
