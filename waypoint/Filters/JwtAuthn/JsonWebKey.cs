using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace Waypoint.Proxy.Filters.JwtAuthn;

/// <summary>One key of a set (RFC 7517, RFC 7518). It verifies only with the algorithms of its own kind, whatever a token says.</summary>
internal abstract class JsonWebKey
{
    /// <summary>Empty when it has none.</summary>
    public required string Id { get; init; }

    /// <summary>The only algorithm that it is for; empty when the key does not say.</summary>
    public required string Algorithm { get; init; }

    /// <summary>Whether a token may mean this key.</summary>
    public bool Suits(JsonWebToken token) =>
        (token.KeyId.Length == 0 || Id.Length == 0 || Id == token.KeyId) && (Algorithm.Length == 0 || Algorithm == token.Algorithm);

    public abstract bool Verifies(JsonWebToken token);

    /// <returns>Null for a key that is not one, or of a kind that is not supported (Ed25519, which .NET does not have).</returns>
    public static JsonWebKey? Parse(JsonElement key)
    {
        var (id, algorithm) = (key.Text("kid") ?? "", key.Text("alg") ?? "");
        try
        {
            return key.Text("kty") switch
            {
                "RSA" when Bytes(key, "n") is { } modulus && Bytes(key, "e") is { } exponent && IsFor(algorithm, "RS", "PS") =>
                    new RsaKey(new RSAParameters { Modulus = modulus, Exponent = exponent }) { Id = id, Algorithm = algorithm },
                "EC" when Bytes(key, "x") is { } x && Bytes(key, "y") is { } y && EcKey.Curve(key.Text("crv")) is var (curve, curveAlgorithm)
                    && (algorithm.Length == 0 || algorithm == curveAlgorithm) =>
                    new EcKey(new ECParameters { Curve = curve, Q = new ECPoint { X = x, Y = y } }) { Id = id, Algorithm = curveAlgorithm },
                "oct" when Bytes(key, "k") is { Length: > 0 } secret && IsFor(algorithm, "HS", "HS") =>
                    new SecretKey(secret) { Id = id, Algorithm = algorithm },
                _ => null,
            };
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    protected static HashAlgorithmName Hash(string algorithm) => algorithm[2..] switch
    {
        "256" => HashAlgorithmName.SHA256,
        "384" => HashAlgorithmName.SHA384,
        _ => HashAlgorithmName.SHA512,
    };

    private static bool IsFor(string algorithm, string one, string other) =>
        algorithm.Length == 0 || algorithm.StartsWith(one, StringComparison.Ordinal) || algorithm.StartsWith(other, StringComparison.Ordinal);

    private static byte[]? Bytes(JsonElement key, string name)
    {
        try
        {
            return key.Text(name) is { Length: > 0 } text ? Base64Url.DecodeFromChars(text) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}

internal sealed class RsaKey : JsonWebKey
{
    // .NET does not say that an instance may be used by several threads at once.
    private readonly Lock _gate = new();
    private readonly RSA _rsa;

    public RsaKey(RSAParameters parameters) => _rsa = RSA.Create(parameters);

    public override bool Verifies(JsonWebToken token)
    {
        var padding = token.Algorithm[..2] switch
        {
            "RS" => RSASignaturePadding.Pkcs1,
            "PS" => RSASignaturePadding.Pss,
            _ => null,
        };
        if (padding is null)
        {
            return false;
        }

        lock (_gate)
        {
            return _rsa.VerifyData(token.SignedData, token.Signature, Hash(token.Algorithm), padding);
        }
    }
}

internal sealed class EcKey : JsonWebKey
{
    private readonly Lock _gate = new();
    private readonly ECDsa _ecdsa;

    public EcKey(ECParameters parameters) => _ecdsa = ECDsa.Create(parameters);

    /// <summary>The curve of this name and the algorithm that goes with it (RFC 7518 section 3.4).</summary>
    public static (ECCurve Curve, string Algorithm)? Curve(string? name) => name switch
    {
        null or "P-256" => (ECCurve.NamedCurves.nistP256, "ES256"),
        "P-384" => (ECCurve.NamedCurves.nistP384, "ES384"),
        "P-521" => (ECCurve.NamedCurves.nistP521, "ES512"),
        _ => null,
    };

    public override bool Verifies(JsonWebToken token)
    {
        if (token.Algorithm != Algorithm)
        {
            return false;
        }

        lock (_gate)
        {
            return _ecdsa.VerifyData(token.SignedData, token.Signature, Hash(token.Algorithm));
        }
    }
}

internal sealed class SecretKey(byte[] secret) : JsonWebKey
{
    public override bool Verifies(JsonWebToken token)
    {
        if (!token.Algorithm.StartsWith("HS", StringComparison.Ordinal))
        {
            return false;
        }

        var expected = CryptographicOperations.HmacData(Hash(token.Algorithm), secret, token.SignedData);
        return CryptographicOperations.FixedTimeEquals(expected, token.Signature);
    }
}
