using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Waypoint.Proxy.Drain;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.Listening.Handoff;

namespace Waypoint.Proxy.Hosting;

/// <summary>Kestrel as the data plane's HTTP server: no port, no middleware; connections come from <see cref="HttpHandoff"/>.</summary>
internal sealed class HttpServer(
    HttpHandoff handoff,
    IHttpApplication<DefaultHttpContext> application,
    DrainState drain,
    ListeningMetrics metrics,
    ILoggerFactory loggers) : IHostedService, IDisposable
{
    private KestrelServer? _server;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var options = new KestrelServerOptions();
        KestrelSettings.Apply(options);
        foreach (var endpoint in handoff.EndPoints)
        {
            options.Listen(endpoint, listen =>
            {
                listen.Protocols = endpoint.Protocols;
                listen.Use(CountClosed);
            });
        }

        _server = new KestrelServer(Options.Create(options), handoff, loggers);
        return _server.StartAsync(new DrainingApplication<DefaultHttpContext>(application, drain), cancellationToken);
    }

    /// <summary>Lets requests under way end; idle connections are closed.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => _server?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public void Dispose() => _server?.Dispose();

    private ConnectionDelegate CountClosed(ConnectionDelegate next) => async connection =>
    {
        try
        {
            await next(connection);
        }
        finally
        {
            metrics.CountClosed();
        }
    };
}
