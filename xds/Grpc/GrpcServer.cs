using System.Net;
using System.Net.Security;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Waypoint.Xds.Grpc;

/// <summary>A Kestrel that speaks gRPC and nothing else. A program with a web host of its own gives <see cref="GrpcServices.InvokeAsync"/> to it instead.</summary>
public sealed class GrpcServer : IAsyncDisposable
{
    private readonly KestrelServer _kestrel;

    private GrpcServer(KestrelServer kestrel, IPEndPoint endPoint)
    {
        _kestrel = kestrel;
        EndPoint = endPoint;
    }

    /// <summary>Where it listens; the port is the real one when 0 was asked for.</summary>
    public IPEndPoint EndPoint { get; }

    /// <param name="tls">Null means plain HTTP/2 with prior knowledge.</param>
    /// <exception cref="IOException">The address cannot be listened on.</exception>
    public static async Task<GrpcServer> StartAsync(
        IPEndPoint endPoint, GrpcServices services, ILoggerFactory loggers, SslServerAuthenticationOptions? tls = null, CancellationToken cancellation = default)
    {
        var options = new KestrelServerOptions
        {
            AddServerHeader = false,
            ApplicationServices = new ServiceCollection().AddSingleton(loggers).BuildServiceProvider(),
        };
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.MinResponseDataRate = null;
        options.Limits.MaxRequestBodySize = null;

        // A peer that has vanished without a FIN is noticed by a ping, as TCP alone would take hours.
        options.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        options.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(10);
        options.Listen(endPoint, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            if (tls is not null)
            {
                listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(tls) });
            }
        });

        var transport = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), loggers);
        var kestrel = new KestrelServer(Options.Create(options), transport, loggers);
        await kestrel.StartAsync(new Application(services), cancellation).ConfigureAwait(false);
        var address = kestrel.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single();
        return new GrpcServer(kestrel, new IPEndPoint(endPoint.Address, BindingAddress.Parse(address).Port));
    }

    /// <summary>Stops listening, tells clients to go (GOAWAY), waits for calls to end and cuts off those that have not when the token says so.</summary>
    public Task StopAsync(CancellationToken cancellation) => _kestrel.StopAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        await _kestrel.StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        _kestrel.Dispose();
    }

    private sealed class Application(GrpcServices services) : IHttpApplication<HttpContext>
    {
        public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

        public Task ProcessRequestAsync(HttpContext context) => services.InvokeAsync(context);

        public void DisposeContext(HttpContext context, Exception? exception)
        {
        }
    }
}
