using System.Text.RegularExpressions;

namespace Waypoint.Proxy.Routing;

/// <summary>What of a request leads it to the same endpoint again, in clusters whose policy hashes.</summary>
internal abstract record HashPolicy
{
    /// <summary>When this one finds something, those after it are not asked.</summary>
    public bool IsTerminal { get; init; }
}

/// <summary>The values of a header field.</summary>
internal sealed record HeaderHash(string Name) : HashPolicy
{
    /// <summary>What is changed in a value before it is hashed; null is nothing.</summary>
    public Regex? Pattern { get; init; }

    /// <summary>What the matches of <see cref="Pattern"/> become; <c>\1</c> names a group.</summary>
    public string Substitution { get; init; } = "";
}

/// <summary>A cookie, which the client is given when it has none.</summary>
internal sealed record CookieHash(string Name) : HashPolicy
{
    /// <summary>Of the cookie that is given; zero is the browser's session. Null: none is given.</summary>
    public TimeSpan? Lifetime { get; init; }

    public string Path { get; init; } = "";

    public IReadOnlyList<KeyValuePair<string, string>> Attributes { get; init; } = [];
}

/// <summary>The client's address without its port.</summary>
internal sealed record SourceAddressHash : HashPolicy;

/// <summary>The first value of a query parameter.</summary>
internal sealed record QueryHash(string Name) : HashPolicy;
