using System.Collections.Concurrent;

namespace Waypoint.Proxy.Filters.JwtAuthn;

/// <summary>
/// Tokens whose signature was verified, so that the same one is not verified again with each request (an RSA signature costs some 30 µs). Only good
/// tokens get in; times and audiences are looked at every time.
/// </summary>
internal sealed class VerifiedTokens
{
    private const int MaxTokens = 500;

    /// <summary>In characters; longer tokens are verified each time rather than kept.</summary>
    private const int MaxLength = 8 * 1024;

    private readonly ConcurrentDictionary<string, VerifiedToken> _tokens = new(StringComparer.Ordinal);

    public VerifiedToken? Find(string text) => _tokens.GetValueOrDefault(text);

    public void Add(string text, JsonWebToken token, JsonWebKeySet keys)
    {
        if (text.Length > MaxLength)
        {
            return;
        }

        if (_tokens.Count >= MaxTokens)
        {
            _tokens.Clear();
        }

        _tokens[text] = new VerifiedToken(token, keys);
    }
}

/// <param name="Token">The token.</param>
/// <param name="Keys">The keys with which it was verified; with others it must be verified anew.</param>
internal sealed record VerifiedToken(JsonWebToken Token, JsonWebKeySet Keys);
