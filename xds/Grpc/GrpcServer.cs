using System.Net;
using System.Net.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Waypoint.Xds.Grpc;

/// <summary>A Kestrel that speaks gRPC and nothing else. A program with a web host of its own gives <see cref="GrpcServices.InvokeAsync"/> to it instead.</summary>
public sealed class GrpcServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private GrpcServer(WebApplication application, IPEndPoint endPoint)
    {
        _application = application;
        EndPoint = endPoint;
    }

    /// <summary>Where it listens; the port is the real one when 0 was asked for.</summary>
    public IPEndPoint EndPoint { get; }

    /// <param name="tls">Null means plain HTTP/2 with prior knowledge.</param>
    /// <exception cref="IOException">The address cannot be listened on.</exception>
    public static async Task<GrpcServer> StartAsync(
        IPEndPoint endPoint, GrpcServices services, ILoggerFactory loggers, SslServerAuthenticationOptions? tls = null, CancellationToken cancellation = default)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton<IHostLifetime, Unattended>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Configure(kestrel, endPoint, tls));
        var application = builder.Build();
        application.Run(services.InvokeAsync);
        await application.StartAsync(cancellation).ConfigureAwait(false);
        return new GrpcServer(application, new IPEndPoint(endPoint.Address, BindingAddress.Parse(application.Urls.Single()).Port));
    }

    /// <summary>Stops listening, tells clients to go (GOAWAY), waits for calls to end and cuts off those that have not when the token says so.</summary>
    public Task StopAsync(CancellationToken cancellation) => _application.StopAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        await _application.DisposeAsync().ConfigureAwait(false);
    }

    private static void Configure(KestrelServerOptions kestrel, IPEndPoint endPoint, SslServerAuthenticationOptions? tls)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.MaxRequestBodySize = null;

        // A peer that has vanished without a FIN is noticed by a ping, as TCP alone would take hours.
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(10);
        kestrel.Listen(endPoint, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            if (tls is not null)
            {
                listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(tls) });
            }
        });
    }

    /// <summary>Leaves signals to the program; a host's usual lifetime would take them.</summary>
    private sealed class Unattended : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
