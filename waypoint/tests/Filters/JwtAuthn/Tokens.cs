using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Waypoint.Proxy.Tests.Filters.JwtAuthn;

/// <summary>An issuer: makes tokens and says its keys.</summary>
public sealed class Tokens : IDisposable
{
    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ECDsa _p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private readonly ECDsa _p521 = ECDsa.Create(ECCurve.NamedCurves.nistP521);
    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(64);

    /// <summary>The public RSA key as text: what a confused verifier would take for a secret.</summary>
    public byte[] PublicKey => Encoding.ASCII.GetBytes(_rsa.ExportSubjectPublicKeyInfoPem());

    public string Rsa(string kid = "rsa", string? alg = null)
    {
        var key = _rsa.ExportParameters(false);
        return $$"""{"kty":"RSA","kid":"{{kid}}"{{Alg(alg)}},"n":"{{Text(key.Modulus!)}}","e":"{{Text(key.Exponent!)}}"}""";
    }

    public string Ec(int bits, string kid)
    {
        var key = Curve(bits).ExportParameters(false);
        return $$"""{"kty":"EC","kid":"{{kid}}","crv":"P-{{bits}}","x":"{{Text(key.Q.X!)}}","y":"{{Text(key.Q.Y!)}}"}""";
    }

    public string Secret(string kid = "secret") => $$"""{"kty":"oct","kid":"{{kid}}","k":"{{Text(_secret)}}"}""";

    public string All => Set(Rsa(), Ec(256, "p256"), Ec(384, "p384"), Ec(521, "p521"), Secret());

    public static string Set(params string[] keys) => $$"""{"keys":[{{string.Join(',', keys)}}]}""";

    public string Sign(string algorithm, string payload, string? kid = null, string? header = null)
    {
        header ??= kid is null ? $$"""{"alg":"{{algorithm}}"}""" : $$"""{"alg":"{{algorithm}}","kid":"{{kid}}"}""";
        var signed = $"{Text(Encoding.UTF8.GetBytes(header))}.{Text(Encoding.UTF8.GetBytes(payload))}";
        return $"{signed}.{Text(Signature(algorithm, Encoding.ASCII.GetBytes(signed)))}";
    }

    public static string Text(byte[] bytes) => Base64Url.EncodeToString(bytes);

    public void Dispose()
    {
        _rsa.Dispose();
        _p256.Dispose();
        _p384.Dispose();
        _p521.Dispose();
    }

    private byte[] Signature(string algorithm, byte[] data)
    {
        var hash = new HashAlgorithmName($"SHA{algorithm[2..]}");
        return algorithm[..2] switch
        {
            "RS" => _rsa.SignData(data, hash, RSASignaturePadding.Pkcs1),
            "PS" => _rsa.SignData(data, hash, RSASignaturePadding.Pss),
            "ES" => Curve(algorithm == "ES512" ? 521 : int.Parse(algorithm[2..])).SignData(data, hash),
            _ => CryptographicOperations.HmacData(hash, _secret, data),
        };
    }

    private ECDsa Curve(int bits) => bits switch
    {
        256 => _p256,
        384 => _p384,
        _ => _p521,
    };

    private static string Alg(string? alg) => alg is null ? "" : $",\"alg\":\"{alg}\"";
}
