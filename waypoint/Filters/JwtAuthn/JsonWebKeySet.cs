using System.Collections.Immutable;
using System.Text.Json;

namespace Waypoint.Proxy.Filters.JwtAuthn;

/// <summary>Keys that an issuer signs with. Keys that cannot be used are passed over.</summary>
internal sealed class JsonWebKeySet
{
    private readonly ImmutableArray<JsonWebKey> _keys;

    private JsonWebKeySet(JwtStatus status, ImmutableArray<JsonWebKey> keys, ImmutableArray<string> unsupported)
    {
        Status = status;
        _keys = keys;
        Unsupported = unsupported;
    }

    /// <summary>Why no token can be verified with it; OK when it has a key.</summary>
    public JwtStatus Status { get; }

    /// <summary>The kinds of its keys that are not supported, such as <c>OKP</c>.</summary>
    public ImmutableArray<string> Unsupported { get; }

    public static JsonWebKeySet Parse(ReadOnlyMemory<byte> utf8)
    {
        if (StrictJson.ParseObject(utf8) is not { } set)
        {
            return new JsonWebKeySet(JwtStatus.JwksBadJson, [], []);
        }

        if (!set.TryGetProperty("keys", out var keys) || keys.ValueKind != JsonValueKind.Array)
        {
            return new JsonWebKeySet(JwtStatus.JwksNoKeys, [], []);
        }

        JsonElement[] objects = [.. keys.EnumerateArray().Where(key => key.ValueKind == JsonValueKind.Object)];
        ImmutableArray<JsonWebKey> usable = [.. objects.Select(JsonWebKey.Parse).OfType<JsonWebKey>()];
        var unsupported = objects.Select(key => key.Text("kty") ?? "").Where(kind => kind is not ("RSA" or "EC" or "oct")).Distinct();
        return new JsonWebKeySet(usable.IsEmpty ? JwtStatus.JwksNoValidKeys : JwtStatus.Ok, usable, [.. unsupported]);
    }

    public JwtStatus Verify(JsonWebToken token)
    {
        if (Status != JwtStatus.Ok)
        {
            return Status;
        }

        var suited = false;
        foreach (var key in _keys)
        {
            if (key.Suits(token))
            {
                suited = true;
                if (key.Verifies(token))
                {
                    return JwtStatus.Ok;
                }
            }
        }

        return suited ? JwtStatus.VerificationFail : JwtStatus.JwksKidAlgMismatch;
    }
}
