using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Istio.V1.Auth;
using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Identity;

/// <summary>Asks istiod, or whoever speaks its protocol, to sign a key made here. The key never leaves the process.</summary>
public sealed class CertificateAuthority(CertificateAuthorityOptions options) : IDisposable
{
    private readonly GrpcChannel _channel = new(options.Address, options.Channel);
    private readonly GrpcMetadata _metadata = new() { { "clusterid", options.ClusterId } };

    /// <exception cref="GrpcException">The authority could not be asked or refused.</exception>
    /// <exception cref="CryptographicException">What it answered is not a certificate for the key.</exception>
    /// <exception cref="IOException">A file of the token or of the roots cannot be read.</exception>
    public async Task<WorkloadCertificate> IssueAsync(CancellationToken cancellation)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var response = await _channel.CallAsync(
            CertificateService.CreateCertificate,
            new IstioCertificateRequest { Csr = Request(key), ValidityDuration = (long)options.Lifetime.TotalSeconds },
            new GrpcCallOptions { Timeout = options.CallTimeout, Headers = _metadata },
            cancellation).ConfigureAwait(false);
        return Read(response, key);
    }

    public void Dispose() => _channel.Dispose();

    private string Request(ECDsa key)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(options.Id.ToString()));
        var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(names.Build(critical: true));
        return request.CreateSigningRequestPem();
    }

    private static WorkloadCertificate Read(IstioCertificateResponse response, ECDsa key)
    {
        var certificates = new X509Certificate2Collection();
        foreach (var pem in response.CertChain)
        {
            certificates.ImportFromPem(pem);
        }

        if (certificates.Count == 0)
        {
            throw new CryptographicException("the authority answered without a certificate");
        }

        X509Certificate2 leaf;
        try
        {
            leaf = certificates[0].CopyWithPrivateKey(key);
        }
        catch (ArgumentException e)
        {
            throw new CryptographicException("the authority signed another key than ours", e);
        }

        return new WorkloadCertificate(leaf, [.. certificates.Skip(1)]);
    }
}
