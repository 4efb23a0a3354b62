using System.Buffers;
using System.Buffers.Text;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Waypoint.Proxy.Filters.JwtAuthn;

/// <summary>A token as it was read; nothing of it is verified yet (RFC 7515 compact form, RFC 7519 claims).</summary>
internal sealed class JsonWebToken
{
    private static readonly SearchValues<char> Base64UrlCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    // No "none": a token without a signature is nobody's.
    private static readonly ImmutableHashSet<string> Algorithms =
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "HS256", "HS384", "HS512"];

    private JsonWebToken(string payloadText)
    {
        PayloadText = payloadText;
    }

    public required string Algorithm { get; init; }

    /// <summary>Empty when the token names no key.</summary>
    public required string KeyId { get; init; }

    public required JsonElement Header { get; init; }

    public required JsonElement Payload { get; init; }

    /// <summary>The payload as it came, in base64url.</summary>
    public string PayloadText { get; }

    public required string Issuer { get; init; }

    public required string Subject { get; init; }

    public required ImmutableArray<string> Audiences { get; init; }

    /// <summary>In seconds since 1970; 0 when missing. So are the other times.</summary>
    public required long Expires { get; init; }

    public required long NotBefore { get; init; }

    public required long IssuedAt { get; init; }

    /// <summary>What the signature is about.</summary>
    public required byte[] SignedData { get; init; }

    public required byte[] Signature { get; init; }

    public static JwtStatus Parse(string text, out JsonWebToken? token)
    {
        token = null;
        var first = text.IndexOf('.');
        var second = first < 0 ? -1 : text.IndexOf('.', first + 1);
        if (first <= 0 || second <= first + 1 || second == text.Length - 1 || text.IndexOf('.', second + 1) >= 0)
        {
            return JwtStatus.BadFormat;
        }

        if (Decode(text.AsSpan(0, first)) is not { } headerBytes)
        {
            return JwtStatus.HeaderBadBase64;
        }

        if (StrictJson.ParseObject(headerBytes) is not { } header)
        {
            return JwtStatus.HeaderBadJson;
        }

        if (header.Text("alg") is not { } algorithm)
        {
            return JwtStatus.HeaderBadAlg;
        }

        if (!Algorithms.Contains(algorithm))
        {
            return JwtStatus.HeaderNotImplementedAlg;
        }

        // RFC 7515 section 4.1.11: extensions that must be understood, and none is here.
        if (header.TryGetProperty("crit", out _))
        {
            return JwtStatus.VerificationFail;
        }

        if (!TryText(header, "kid", out var keyId))
        {
            return JwtStatus.HeaderBadKid;
        }

        if (Decode(text.AsSpan(first + 1, second - first - 1)) is not { } payloadBytes)
        {
            return JwtStatus.PayloadBadBase64;
        }

        if (StrictJson.ParseObject(payloadBytes) is not { } payload)
        {
            return JwtStatus.PayloadBadJson;
        }

        if (Claims(payload, out var claims) is var status and not JwtStatus.Ok)
        {
            return status;
        }

        if (Decode(text.AsSpan(second + 1)) is not { } signature)
        {
            return JwtStatus.SignatureBadBase64;
        }

        token = new JsonWebToken(text[(first + 1)..second])
        {
            Algorithm = algorithm,
            KeyId = keyId,
            Header = header,
            Payload = payload,
            Issuer = claims.Issuer,
            Subject = claims.Subject,
            Audiences = claims.Audiences,
            Expires = claims.Expires,
            NotBefore = claims.NotBefore,
            IssuedAt = claims.IssuedAt,
            SignedData = Encoding.ASCII.GetBytes(text, 0, second),
            Signature = signature,
        };
        return JwtStatus.Ok;
    }

    /// <param name="now">In seconds since 1970.</param>
    /// <param name="skew">By how many seconds clocks may differ.</param>
    public JwtStatus CheckTime(long now, long skew) =>
        NotBefore > now + skew ? JwtStatus.NotYetValid
        : Expires != 0 && now > Expires + skew ? JwtStatus.Expired
        : JwtStatus.Ok;

    private static JwtStatus Claims(JsonElement payload, out RegisteredClaims claims)
    {
        claims = default;
        if (!TryText(payload, "iss", out var issuer))
        {
            return JwtStatus.IssNotString;
        }

        if (!TryText(payload, "sub", out var subject))
        {
            return JwtStatus.SubNotString;
        }

        if (Time(payload, "iat", JwtStatus.IatNotInteger, JwtStatus.IatOutOfRange, out var issuedAt) is var iat and not JwtStatus.Ok)
        {
            return iat;
        }

        if (Time(payload, "nbf", JwtStatus.NbfNotInteger, JwtStatus.NbfOutOfRange, out var notBefore) is var nbf and not JwtStatus.Ok)
        {
            return nbf;
        }

        if (Time(payload, "exp", JwtStatus.ExpNotInteger, JwtStatus.ExpOutOfRange, out var expires) is var exp and not JwtStatus.Ok)
        {
            return exp;
        }

        if (!TryText(payload, "jti", out _))
        {
            return JwtStatus.JtiNotString;
        }

        if (!TryList(payload, "aud", out var audiences))
        {
            return JwtStatus.AudNotString;
        }

        claims = new RegisteredClaims(issuer, subject, audiences, expires, notBefore, issuedAt);
        return JwtStatus.Ok;
    }

    private static byte[]? Decode(ReadOnlySpan<char> text)
    {
        // RFC 7515 knows no padding, but Envoy lets it pass where it is right. The decoder would pass over white space too.
        var unpadded = text.TrimEnd('=');
        if (unpadded.ContainsAnyExcept(Base64UrlCharacters) || (unpadded.Length < text.Length && text.Length % 4 != 0))
        {
            return null;
        }

        var bytes = new byte[Base64Url.GetMaxDecodedLength(text.Length)];
        return Base64Url.DecodeFromChars(text, bytes, out _, out var written) == OperationStatus.Done ? bytes[..written] : null;
    }

    private static bool TryText(JsonElement element, string name, out string value)
    {
        value = "";
        if (!element.TryGetProperty(name, out var property))
        {
            return true;
        }

        value = property.ValueKind == JsonValueKind.String ? property.GetString()! : "";
        return property.ValueKind == JsonValueKind.String;
    }

    private static bool TryList(JsonElement element, string name, out ImmutableArray<string> values)
    {
        values = [];
        if (!element.TryGetProperty(name, out var property))
        {
            return true;
        }

        switch (property.ValueKind)
        {
            case JsonValueKind.String:
                values = [property.GetString()!];
                return true;
            case JsonValueKind.Array when property.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String):
                values = [.. property.EnumerateArray().Select(item => item.GetString()!)];
                return true;
            default:
                return false;
        }
    }

    // RFC 7519 section 2, NumericDate: a number, with or without a fraction.
    private static JwtStatus Time(JsonElement payload, string name, JwtStatus notInteger, JwtStatus outOfRange, out long seconds)
    {
        seconds = 0;
        if (!payload.TryGetProperty(name, out var property))
        {
            return JwtStatus.Ok;
        }

        if (property.ValueKind != JsonValueKind.Number)
        {
            return notInteger;
        }

        // Half of the range, so that adding a clock's skew cannot overflow.
        if (!property.TryGetDouble(out var number) || number is not (>= 0 and < long.MaxValue / 2))
        {
            return outOfRange;
        }

        seconds = (long)number;

        // "exp": 0 is a time long gone, not "no end".
        if (seconds == 0)
        {
            seconds = name == "exp" ? 1 : 0;
        }

        return JwtStatus.Ok;
    }

    private readonly record struct RegisteredClaims(
        string Issuer, string Subject, ImmutableArray<string> Audiences, long Expires, long NotBefore, long IssuedAt);
}
