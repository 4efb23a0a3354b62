using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Waypoint.Proxy.Drain;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.Listening.Handoff;
using Waypoint.Proxy.Mesh;
using Waypoint.Xds.Identity;

namespace Waypoint.Proxy.Hbone.Inbound;

/// <summary>
/// The HBONE port: mutual TLS, HTTP/2, CONNECT. It opens when there is a certificate to show; a waypoint without a certificate authority
/// has none, and the port stays closed.
/// </summary>
internal sealed class HboneServer(
    HboneSettings settings,
    HboneIdentity identity,
    TunnelRefusals refusals,
    HboneMetrics metrics,
    MeshState mesh,
    ListeningPlane plane,
    DrainState drain,
    ILoggerFactory loggers) : IHostedLifecycleService, IDisposable
{
    // Streams have ended when this begins, with what served them; some peers do not close their connection then.
    private static readonly TimeSpan FarewellTime = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _aborting = new();
    private KestrelServer? _server;
    private Task _opening = Task.CompletedTask;
    private Task? _closing;

    /// <summary>Where it listens; null while it does not.</summary>
    public IPEndPoint? LocalEndPoint { get; private set; }

    /// <summary>True when the port is open, or is not to be opened.</summary>
    public bool IsReady => identity.Workload is null || LocalEndPoint is not null;

    /// <summary>Once the listening plane runs, which serves the streams; the certificate may come later still.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (identity.Workload is { } workload)
        {
            _opening = OpenAsync(workload);
        }

        return Task.CompletedTask;
    }

    /// <summary>Tells every peer to go elsewhere (GOAWAY); the streams that it has go on, until <see cref="StopAsync"/>.</summary>
    public void BeginStop() => _closing ??= _server?.StopAsync(_aborting.Token);

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _opening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        BeginStop();
        _aborting.CancelAfter(FarewellTime);
        await (_closing ?? Task.CompletedTask);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _server?.Dispose();
        _stopping.Dispose();
        _aborting.Dispose();
    }

    private async Task OpenAsync(WorkloadIdentity workload)
    {
        await workload.Issued.WaitAsync(_stopping.Token);
        var listener = new TunnelListener(settings, workload, refusals, metrics);
        var options = new KestrelServerOptions();
        Apply(options);
        options.Listen(new InProcessEndPoint(HttpProtocols.Http2), listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.Use(CountClosed);
        });
        _server = new KestrelServer(Options.Create(options), listener, loggers);
        var application = new TunnelApplication(mesh, plane, metrics);
        await _server.StartAsync(new DrainingApplication<HttpContext>(application, drain), _stopping.Token);
        LocalEndPoint = plane.Listen(settings.Address, listener.Accepted);
    }

    private void Apply(KestrelServerOptions options)
    {
        options.AddServerHeader = false;

        // Kestrel does not see the TLS below it; what :scheme says of it is none of its business.
        options.AllowAlternateSchemes = true;

        // What flows and how fast is the business of the two ends; ours is back-pressure.
        options.Limits.MaxRequestBodySize = null;
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.MinResponseDataRate = null;
        options.Limits.MaxResponseBufferSize = settings.MaxFrameSize * 4;
        options.Limits.KeepAliveTimeout = TimeSpan.FromHours(1);
        options.Limits.Http2.MaxStreamsPerConnection = settings.MaxStreams;
        options.Limits.Http2.InitialStreamWindowSize = settings.StreamWindow;
        options.Limits.Http2.InitialConnectionWindowSize = settings.ConnectionWindow;
        options.Limits.Http2.MaxFrameSize = settings.MaxFrameSize;
        options.Limits.Http2.KeepAlivePingDelay = settings.PingDelay;
        options.Limits.Http2.KeepAlivePingTimeout = settings.PingTimeout;
    }

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
