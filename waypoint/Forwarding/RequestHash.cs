using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.Extensions.Primitives;
using Waypoint.Proxy.LoadBalancing.Hashing;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Forwarding;

/// <summary>The hash of what leads a request to the same endpoint again, made as Envoy makes it.</summary>
internal static class RequestHash
{
    /// <summary>Null when no policy finds anything. May give the client a cookie with the answer (<see cref="Exchange.AffinityCookie"/>).</summary>
    public static ulong? Of(IReadOnlyList<HashPolicy> policies, Exchange exchange)
    {
        ulong? hash = null;
        foreach (var policy in policies)
        {
            if (Of(policy, exchange) is { } found)
            {
                // Turned by one bit, so that two equal ones do not cancel each other out.
                hash = hash is { } before ? ulong.RotateLeft(before, 1) ^ found : found;
                if (policy.IsTerminal)
                {
                    break;
                }
            }
        }

        return hash;
    }

    public static ulong OfAddress(IPAddress address) =>
        XxHash64.Hash((address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString());

    private static ulong? Of(HashPolicy policy, Exchange exchange)
    {
        switch (policy)
        {
            case HeaderHash header:
                return OfHeader(header, exchange.Context.Request.Headers[header.Name]);
            case CookieHash cookie:
                return OfCookie(cookie, exchange);
            case QueryHash query:
                return Parameter(exchange.RawTarget, query.Name) is { } value ? XxHash64.Hash(value) : null;
            case SourceAddressHash:
                return OfAddress(exchange.Destination.Client.Address);
            default:
                throw new NotSupportedException(policy.GetType().Name);
        }
    }

    private static ulong? OfHeader(HeaderHash policy, StringValues values)
    {
        if (values.Count == 0)
        {
            return null;
        }

        if (values.Count == 1)
        {
            return XxHash64.Hash(Text(policy, values[0]), 0);
        }

        var texts = new string[values.Count];
        for (var i = 0; i < texts.Length; i++)
        {
            texts[i] = Text(policy, values[i]);
        }

        // In order, so that it does not matter in which the lines came.
        Array.Sort(texts, StringComparer.Ordinal);
        return texts.Aggregate(0UL, (seed, text) => XxHash64.Hash(text, seed));
    }

    private static string Text(HeaderHash policy, string? value) =>
        policy.Pattern is { } pattern ? PathRewriting.ReplaceAll(pattern, policy.Substitution, value ?? "") : value ?? "";

    private static ulong? OfCookie(CookieHash policy, Exchange exchange)
    {
        if (Cookie(exchange.Context.Request.Headers.Cookie, policy.Name) is { Length: > 0 } sent)
        {
            return XxHash64.Hash(sent);
        }

        if (policy.Lifetime is not { } lifetime)
        {
            return null;
        }

        // The same for all of a connection, so that requests that race on it get one cookie.
        var connection = exchange.Context.Connection;
        var ends = $"{exchange.Destination.Client}{exchange.Destination.Original}{connection.Id}";
        var value = XxHash64.Hash(ends).ToString("x16", CultureInfo.InvariantCulture);
        var cookie = new StringBuilder($"{policy.Name}=\"{value}\"");
        if (lifetime > TimeSpan.Zero)
        {
            cookie.Append(CultureInfo.InvariantCulture, $"; Max-Age={(long)lifetime.TotalSeconds}");
        }

        if (policy.Path.Length > 0)
        {
            cookie.Append("; Path=").Append(policy.Path);
        }

        foreach (var (name, text) in policy.Attributes)
        {
            cookie.Append("; ").Append(name);
            if (text.Length > 0)
            {
                cookie.Append('=').Append(text);
            }
        }

        exchange.AffinityCookie = cookie.Append("; HttpOnly").ToString();
        return XxHash64.Hash(value);
    }

    /// <summary>The value of the first cookie of this name, without quotes; null when there is none.</summary>
    private static string? Cookie(StringValues lines, string name)
    {
        foreach (var line in lines)
        {
            foreach (var range in line.AsSpan().Split(';'))
            {
                var pair = line.AsSpan(range).Trim(' ');
                if (pair.Length > name.Length && pair[name.Length] == '=' && pair.StartsWith(name, StringComparison.Ordinal))
                {
                    var value = pair[(name.Length + 1)..];
                    return (value is ['"', .. var inner, '"'] ? inner : value).ToString();
                }
            }
        }

        return null;
    }

    private static string? Parameter(string target, string name)
    {
        var query = target.IndexOf('?') is >= 0 and var question ? target.AsSpan(question + 1) : default;
        foreach (var range in query.Split('&'))
        {
            var pair = query[range];
            var equals = pair.IndexOf('=');
            if ((equals < 0 ? pair : pair[..equals]).SequenceEqual(name))
            {
                return equals < 0 ? "" : pair[(equals + 1)..].ToString();
            }
        }

        return null;
    }
}
