using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Waypoint.Proxy.Admin;

/// <summary>
/// Serves what operators, kubelet and Prometheus ask for, on ports and a Kestrel of its own: it answers from before the data plane
/// opens until after it has closed.
/// </summary>
internal sealed class AdminServer(IReadOnlyList<AdminEndpoints> endpoints, ILoggerFactory loggers)
    : IHostedService, IHttpApplication<HttpContext>, IDisposable
{
    private KestrelServer? _server;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var options = new KestrelServerOptions { AddServerHeader = false };
        foreach (var one in endpoints)
        {
            options.Listen(one.Address, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.Use(next => connection =>
                {
                    connection.Features.Set(one);
                    return next(connection);
                });
            });
        }

        var transport = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), loggers);
        _server = new KestrelServer(Options.Create(options), transport, loggers);
        return _server.StartAsync(this, cancellationToken);
    }

    /// <summary>The addresses bound, in the order of the endpoints given.</summary>
    public IReadOnlyList<IPEndPoint> BoundAddresses =>
        [.. _server!.Features.GetRequiredFeature<Microsoft.AspNetCore.Hosting.Server.Features.IServerAddressesFeature>()
            .Addresses.Select(address => IPEndPoint.Parse(new Uri(address).Authority))];

    // Not here: the host stops services first, and the last moments are worth watching. Dispose ends it.
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _server?.Dispose();

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public Task ProcessRequestAsync(HttpContext context) => context.Features.GetRequiredFeature<AdminEndpoints>().HandleAsync(context);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }
}
