using System.Buffers;
using System.Collections.Immutable;
using Microsoft.Extensions.Primitives;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.JwtAuthn;

/// <param name="Name">The header.</param>
/// <param name="Prefix">What comes before the token in its value; may be empty.</param>
internal sealed record JwtHeaderLocation(string Name, string Prefix);

/// <summary>A token as a request carries it.</summary>
/// <param name="Text">The token.</param>
/// <param name="Header">The header that it was found in; null when it was elsewhere.</param>
/// <param name="Parameter">The query parameter that it was found in; null when it was elsewhere.</param>
internal sealed record FoundToken(string Text, string? Header = null, string? Parameter = null);

/// <summary>Where requests carry the tokens of a provider, in Envoy's way of reading them.</summary>
internal sealed record JwtLocations(
    ImmutableArray<JwtHeaderLocation> Headers, ImmutableArray<string> Parameters, ImmutableArray<string> Cookies)
{
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    /// <summary>What holds when nothing is said (RFC 6750).</summary>
    public static JwtLocations Default { get; } = new([new JwtHeaderLocation("Authorization", "Bearer ")], ["access_token"], []);

    public void FindIn(in RequestHead head, List<FoundToken> found)
    {
        foreach (var location in Headers)
        {
            foreach (var value in head.Headers[location.Name])
            {
                if (Token(value!, location.Prefix) is { } token)
                {
                    found.Add(new FoundToken(token, Header: location.Name));
                }
            }
        }

        foreach (var parameter in Parameters)
        {
            if (QueryString.Find(head.Query, parameter) is { } token)
            {
                found.Add(new FoundToken(token, Parameter: parameter));
            }
        }

        foreach (var cookie in Cookies)
        {
            if (Cookie(head.Headers.Cookie, cookie) is { } token)
            {
                found.Add(new FoundToken(token));
            }
        }
    }

    // The prefix may stand anywhere, and what lies between it and the token is passed over.
    private static string? Token(string value, string prefix)
    {
        if (prefix.Length == 0)
        {
            return value;
        }

        var at = value.IndexOf(prefix, StringComparison.Ordinal);
        if (at < 0)
        {
            return null;
        }

        var start = value.AsSpan(at + prefix.Length).IndexOfAny(TokenCharacters);
        return start < 0 ? value : value[(at + prefix.Length + start)..];
    }

    private static string? Cookie(StringValues lines, string name)
    {
        foreach (var line in lines)
        {
            foreach (var range in line.AsSpan().Split(';'))
            {
                var pair = line.AsSpan(range).Trim();
                var equals = pair.IndexOf('=');
                if (equals > 0 && pair[..equals].Equals(name, StringComparison.Ordinal))
                {
                    return pair[(equals + 1)..].Trim('"').ToString();
                }
            }
        }

        return null;
    }
}
