using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Waypoint.Cluster.Tests.Kubernetes;
using Waypoint.Xds.Grpc;
using Waypoint.Xds.Identity;

namespace Waypoint.Cluster.Tests;

/// <summary>A workload's certificate, signed by the cluster's istiod, in files for programs that are no workload of the cluster.</summary>
internal sealed class Certificates : IDisposable
{
    private Certificates(string folder) => Folder = folder;

    /// <summary>Holds <c>certificate.pem</c>, <c>key.pem</c> and <c>roots.pem</c>.</summary>
    public string Folder { get; }

    /// <summary>Asks istiod for a certificate of a pod's service account, with a token bound to that pod.</summary>
    public static async Task<Certificates> OfAsync(string ns, string pod)
    {
        var description = await Kubectl.GetAsync(ns, "pod", pod);
        var account = (string)description["spec"]!["serviceAccountName"]!;
        var token = await Kubectl.RunAsync(
            "--namespace", ns, "create", "token", account, "--audience", "istio-ca",
            "--bound-object-kind", "Pod", "--bound-object-name", pod, "--bound-object-uid", (string)description["metadata"]!["uid"]!);
        var istiod = (await Kubectl.PodsAsync("istio-system", "app=istiod"))[0].Address;
        var roots = (string)(await Kubectl.GetAsync(ns, "configmap", "istio-ca-root-cert"))["data"]!["root-cert.pem"]!;
        using var authority = new CertificateAuthority(new CertificateAuthorityOptions
        {
            Address = new Uri($"https://{istiod}:15012"),
            Id = new SpiffeId("cluster.local", ns, account),
            Channel = new GrpcChannelOptions
            {
                BearerToken = _ => new(token.Trim()),
                Tls = new GrpcTls { Roots = () => Import(roots), ServerName = "istiod.istio-system.svc" },
            },
        });
        var certificate = await authority.IssueAsync(CancellationToken.None);
        using var key = certificate.Leaf.GetECDsaPrivateKey()!;
        return Write(certificate.Leaf.ExportCertificatePem(), key, roots);
    }

    /// <summary>A certificate of this process's making, signed by an authority whose key it has.</summary>
    public static Certificates Signed(X509Certificate2 authority, string uri, DateTimeOffset notAfter)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(uri));
        request.CertificateExtensions.Add(names.Build(critical: true));
        using var signer = authority.GetRSAPrivateKey()!;
        var signature = X509SignatureGenerator.CreateForRSA(signer, RSASignaturePadding.Pkcs1);
        using var leaf = request.Create(authority.SubjectName, signature, notAfter.AddHours(-2), notAfter, RandomNumberGenerator.GetBytes(8));
        return Write(leaf.ExportCertificatePem(), key, authority.ExportCertificatePem());
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static Certificates Write(string certificate, ECDsa key, string roots)
    {
        var folder = Directory.CreateTempSubdirectory("certificates").FullName;
        File.WriteAllText(Path.Combine(folder, "certificate.pem"), certificate);
        File.WriteAllText(Path.Combine(folder, "key.pem"), key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(Path.Combine(folder, "roots.pem"), roots);
        return new Certificates(folder);
    }

    private static X509Certificate2Collection Import(string pem)
    {
        var roots = new X509Certificate2Collection();
        roots.ImportFromPem(pem);
        return roots;
    }
}
