using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Waypoint.Proxy.Tests.Tls;

/// <summary>A backend that speaks TLS and tells what it heard in the handshake.</summary>
internal sealed class TlsBackend : IAsyncDisposable
{
    private readonly WebApplication _application;

    private TlsBackend(WebApplication application)
    {
        _application = application;
        Address = new IPEndPoint(IPAddress.Loopback, new Uri(application.Urls.Single()).Port);
    }

    public IPEndPoint Address { get; }

    /// <summary>The server names asked for, one a connection; empty where none was.</summary>
    public ConcurrentQueue<string> ServerNames { get; } = [];

    /// <summary>Answers with the version of HTTP, of TLS, and the client certificate's issuer.</summary>
    public static async Task<TlsBackend> StartAsync(
        TestCertificates authority, X509Certificate2 certificate, bool wantsClientCertificate = false, SslProtocols versions = SslProtocols.None)
    {
        TlsBackend? backend = null;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            var context = SslStreamCertificateContext.Create(certificate, [authority.Intermediate], offline: true);
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = handshake =>
                {
                    backend!.ServerNames.Enqueue(handshake.ClientHelloInfo.ServerName);
                    return ValueTask.FromResult(new SslServerAuthenticationOptions
                    {
                        ServerCertificateContext = context,
                        EnabledSslProtocols = versions,
                        ClientCertificateRequired = wantsClientCertificate,
                        RemoteCertificateValidationCallback = (_, shown, _, _) => !wantsClientCertificate || shown is not null,
                    });
                },
            });
        }));
        var application = builder.Build();
        application.Run(request =>
        {
            var tls = request.Features.Get<ITlsHandshakeFeature>()!;
            return request.Response.WriteAsync($"{request.Request.Protocol} {tls.Protocol} {request.Connection.ClientCertificate?.Issuer}");
        });
        await application.StartAsync();
        backend = new TlsBackend(application);
        return backend;
    }

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _application.StopAsync(limit.Token);
        await _application.DisposeAsync();
    }
}
