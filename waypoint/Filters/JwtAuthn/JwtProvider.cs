using System.Collections.Immutable;
using System.Text.Json;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.JwtAuthn;

/// <param name="Claim">Its name; dots lead into objects.</param>
/// <param name="Header">The request header that gets its value.</param>
internal sealed record ClaimHeader(ImmutableArray<string> Claim, string Header);

/// <summary>An issuer of tokens: whose they are, where requests carry them, which are good, and what is told of a good one.</summary>
internal sealed record JwtProvider
{
    private readonly VerifiedTokens _verified = new();

    public required IJwksSource Keys { get; init; }

    public required JwtLocations Locations { get; init; }

    /// <summary>Empty: any.</summary>
    public string Issuer { get; init; } = "";

    /// <summary>Empty: any, and none.</summary>
    public ImmutableHashSet<string> Audiences { get; init; } = [];

    /// <summary>Null: any.</summary>
    public StringMatch? Subject { get; init; }

    public bool RequireExpiration { get; init; }

    /// <summary>In seconds; 0: any.</summary>
    public long MaxLifetime { get; init; }

    /// <summary>By how many seconds clocks may differ.</summary>
    public long ClockSkew { get; init; } = 60;

    /// <summary>The backend gets the token too.</summary>
    public bool Forward { get; init; }

    /// <summary>The header in which the backend gets the payload; empty for none.</summary>
    public string PayloadHeader { get; init; } = "";

    public bool PadPayloadHeader { get; init; }

    public ImmutableArray<ClaimHeader> ClaimHeaders { get; init; } = [];

    /// <summary>The key under which later filters find the payload; empty for none.</summary>
    public string PayloadMetadata { get; init; } = "";

    /// <summary>The key under which later filters find the token's header; empty for none.</summary>
    public string HeaderMetadata { get; init; } = "";

    /// <summary>The key under which later filters find why a token failed; empty for none.</summary>
    public string FailureMetadata { get; init; } = "";

    /// <summary>Claims that later filters find as lists although they are words in one string.</summary>
    public ImmutableArray<string> ListClaims { get; init; } = [];

    public bool ClearsRoute { get; init; }

    /// <param name="text">The token.</param>
    /// <param name="audiences">In place of the provider's own; null for those.</param>
    /// <param name="now">In seconds since 1970.</param>
    public async ValueTask<(JwtStatus Status, JsonWebToken? Token)> VerifyAsync(string text, ImmutableHashSet<string>? audiences, long now)
    {
        var known = _verified.Find(text);
        var token = known?.Token;
        var status = token is null ? JsonWebToken.Parse(text, out token) : JwtStatus.Ok;
        if (status == JwtStatus.Ok)
        {
            status = Check(token!, audiences ?? Audiences, now);
        }

        if (status != JwtStatus.Ok)
        {
            return (status, null);
        }

        if (await Keys.GetAsync().ConfigureAwait(false) is not { } keys)
        {
            return (JwtStatus.JwksFetchFail, null);
        }

        if (known is not null && ReferenceEquals(known.Keys, keys))
        {
            return (JwtStatus.Ok, token);
        }

        status = keys.Verify(token!);
        if (status != JwtStatus.Ok)
        {
            return (status, null);
        }

        _verified.Add(text, token!, keys);
        return (JwtStatus.Ok, token);
    }

    private JwtStatus Check(JsonWebToken token, ImmutableHashSet<string> audiences, long now)
    {
        if (Issuer.Length > 0 && token.Issuer != Issuer)
        {
            return JwtStatus.UnknownIssuer;
        }

        if (Subject is not null && !Subject.Matches(token.Subject))
        {
            return JwtStatus.VerificationFail;
        }

        if ((RequireExpiration || MaxLifetime > 0) && token.Expires == 0)
        {
            return JwtStatus.VerificationFail;
        }

        if (MaxLifetime > 0 && token.Expires - Math.Max(token.IssuedAt, token.NotBefore) > MaxLifetime)
        {
            return JwtStatus.VerificationFail;
        }

        if (token.CheckTime(now, ClockSkew) is var time and not JwtStatus.Ok)
        {
            return time;
        }

        return audiences.IsEmpty || token.Audiences.Any(audience => audiences.Contains(AudienceName(audience)))
            ? JwtStatus.Ok
            : JwtStatus.AudienceNotAllowed;
    }

    /// <summary>Envoy compares audiences without their scheme and without a slash at their end.</summary>
    public static string AudienceName(string audience)
    {
        foreach (var scheme in (ReadOnlySpan<string>)["https://", "http://"])
        {
            if (audience.StartsWith(scheme, StringComparison.Ordinal))
            {
                audience = audience[scheme.Length..];
                break;
            }
        }

        return audience.EndsWith('/') ? audience[..^1] : audience;
    }

    /// <summary>The value of a claim as a header has it; null when there is none, or when no header can carry it.</summary>
    public static string? HeaderValue(JsonElement payload, ImmutableArray<string> claim)
    {
        var value = payload;
        foreach (var name in claim)
        {
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(name, out value))
            {
                return null;
            }
        }

        var text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number => Number(value.GetDouble()),
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            JsonValueKind.Object or JsonValueKind.Array => Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(value.GetRawText())),
            _ => null,
        };

        // A claim is the issuer's text: a line end in it would begin another header.
        if (string.IsNullOrEmpty(text) || text.AsSpan().ContainsAnyInRange('\0', '\x1F') || text.Contains('\x7F'))
        {
            return null;
        }

        return WireText.Of(text);
    }

    private static string Number(double number) => number is >= 0 and < ulong.MaxValue && double.IsInteger(number)
        ? ((ulong)number).ToString(System.Globalization.CultureInfo.InvariantCulture)
        : number.ToString("F6", System.Globalization.CultureInfo.InvariantCulture);
}
