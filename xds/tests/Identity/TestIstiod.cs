using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Istio.V1.Auth;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.Xds.Grpc;
using Waypoint.Xds.Identity;

namespace Waypoint.Xds.Tests.Identity;

/// <summary>The certificate service as istiod has it, over TLS on loopback: it issues for <see cref="Caller"/>, whatever the request says.</summary>
internal sealed class TestIstiod : IAsyncDisposable
{
    private GrpcServer? _server;

    public TestAuthority Authority { get; } = new();

    public string Caller { get; set; } = "spiffe://cluster.local/ns/shop/sa/waypoint";

    /// <summary>Null gives what was asked for.</summary>
    public TimeSpan? Lifetime { get; set; }

    public GrpcStatus? Refusal { get; set; }

    public ConcurrentQueue<(IstioCertificateRequest Request, string? Token, string? Cluster)> Calls { get; } = new();

    public Uri Address => new($"https://{_server!.EndPoint}");

    public static async Task<TestIstiod> StartAsync(IPEndPoint? address = null)
    {
        var istiod = new TestIstiod();
        var services = new GrpcServices(NullLogger.Instance);
        services.AddUnary(CertificateService.CreateCertificate, (request, call) =>
        {
            istiod.Calls.Enqueue((request, call.Headers.Find("authorization"), call.Headers.Find("clusterid")));
            return istiod.Refusal is { } refusal ? throw new GrpcException(refusal) : Task.FromResult(istiod.Answer(request));
        });
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("istiod.istio-system.svc");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var leaf = new CertificateRequest("CN=istiod", key, HashAlgorithmName.SHA256);
        leaf.CertificateExtensions.Add(names.Build());
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        istiod.Root = SelfSigned(rootKey);
        var tls = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(
                leaf.Create(istiod.Root, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), [1, 2, 3]).CopyWithPrivateKey(key), null, offline: true),
        };
        istiod._server = await GrpcServer.StartAsync(address ?? new IPEndPoint(IPAddress.Loopback, 0), services, NullLoggerFactory.Instance, tls);
        return istiod;
    }

    /// <summary>What istiod's own TLS certificate is verified by.</summary>
    public X509Certificate2 Root { get; private set; } = null!;

    public CertificateAuthorityOptions Options(Func<string?>? token = null) => new()
    {
        Address = Address,
        Id = new SpiffeId("cluster.local", "shop", "waypoint"),
        ClusterId = "west",
        Channel = new GrpcChannelOptions
        {
            BearerToken = token is null ? null : _ => ValueTask.FromResult(token()),
            Tls = new GrpcTls { Roots = () => [Root], ServerName = "istiod.istio-system.svc" },
        },
        ShortestDelay = TimeSpan.FromMilliseconds(10),
    };

    public ValueTask DisposeAsync() => _server!.DisposeAsync();

    private IstioCertificateResponse Answer(IstioCertificateRequest request)
    {
        var asked = CertificateRequest.LoadSigningRequestPem(request.Csr, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
        var leaf = Authority.Sign(asked, [Caller], Lifetime ?? TimeSpan.FromSeconds(request.ValidityDuration));
        return new IstioCertificateResponse { CertChain = { leaf.ExportCertificatePem(), Authority.Intermediate.ExportCertificatePem(), Authority.RootPem } };
    }

    private static X509Certificate2 SelfSigned(ECDsa key)
    {
        var request = new CertificateRequest("CN=Cluster root", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(2));
    }
}
