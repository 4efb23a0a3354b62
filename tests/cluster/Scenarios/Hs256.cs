using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Waypoint.Cluster.Tests.Scenarios;

/// <summary>Tokens signed with the key of the scenario jwt (RFC 7515, HS256).</summary>
internal static class Hs256
{
    private static readonly byte[] Key = "secret-secret-secret-secret-123"u8.ToArray();

    public static string Token(string issuer, string subject, string audience, DateTimeOffset expires)
    {
        var signed = Encode("""{"alg":"HS256","kid":"k1","typ":"JWT"}""") + "." + Encode(JsonSerializer.Serialize(new
        {
            iss = issuer,
            sub = subject,
            aud = audience,
            exp = expires.ToUnixTimeSeconds(),
        }));
        return signed + "." + Base64Url.EncodeToString(HMACSHA256.HashData(Key, Encoding.ASCII.GetBytes(signed)));
    }

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
