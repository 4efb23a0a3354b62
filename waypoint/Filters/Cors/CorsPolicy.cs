using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.Cors;

/// <summary>From which origins a route may be called by scripts in browsers, and what they may do. Texts are sent as configured; empty ones are not sent.</summary>
internal sealed record CorsPolicy
{
    public IReadOnlyList<StringMatch> Origins { get; init; } = [];

    public string AllowMethods { get; init; } = "";

    public string AllowHeaders { get; init; } = "";

    public string ExposeHeaders { get; init; } = "";

    /// <summary>In seconds.</summary>
    public string MaxAge { get; init; } = "";

    public bool AllowCredentials { get; init; }

    public bool AllowPrivateNetwork { get; init; }

    /// <summary>The share of requests for which the policy is in force.</summary>
    public Fraction Enabled { get; init; } = new(100, 100);

    /// <summary>A preflight from another origin goes on to the backend; otherwise it is answered without a permission.</summary>
    public bool ForwardsForeignPreflights { get; init; } = true;

    public bool Allows(string origin)
    {
        foreach (var match in Origins)
        {
            // Envoy: the text "*" stands for every origin.
            if (match is ExactString { Value: "*" } || match.Matches(origin))
            {
                return true;
            }
        }

        return false;
    }
}
