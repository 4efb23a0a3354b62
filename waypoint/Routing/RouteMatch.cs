using Microsoft.Net.Http.Headers;

namespace Waypoint.Proxy.Routing;

/// <summary>The conditions of a route; all must hold. The default matches every request.</summary>
internal sealed record RouteMatch
{
    public PathMatch Path { get; init; } = PathMatch.Any;

    /// <summary>Conditions on header fields, and on the method (<c>:method</c>).</summary>
    public IReadOnlyList<HeaderMatch> Headers { get; init; } = [];

    public IReadOnlyList<QueryMatch> Query { get; init; } = [];

    /// <summary>Only gRPC: content type <c>application/grpc</c> or <c>application/grpc+…</c>.</summary>
    public bool Grpc { get; init; }

    /// <summary>Null: every request.</summary>
    public Fraction? Fraction { get; init; }

    public bool Matches(in RequestHead request) => Path.Matches(request.Path) && MatchesBeyondPath(request);

    /// <summary>Every condition but the path's.</summary>
    public bool MatchesBeyondPath(in RequestHead request)
    {
        if (Fraction is { } fraction && !fraction.Includes(request.RandomValue))
        {
            return false;
        }

        if (Grpc && !IsGrpc(request))
        {
            return false;
        }

        for (var i = 0; i < Headers.Count; i++)
        {
            if (!Headers[i].Matches(request))
            {
                return false;
            }
        }

        for (var i = 0; i < Query.Count; i++)
        {
            if (!Query[i].Matches(request.Query))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsGrpc(in RequestHead request)
    {
        const string Grpc = "application/grpc";
        ReadOnlySpan<char> type = request.Headers[HeaderNames.ContentType].ToString();
        return type.StartsWith(Grpc, StringComparison.Ordinal) && (type.Length == Grpc.Length || type[Grpc.Length] == '+');
    }
}

/// <summary>A share of all requests: <paramref name="Numerator"/> in <paramref name="Denominator"/>.</summary>
internal readonly record struct Fraction(uint Numerator, uint Denominator)
{
    /// <summary>Whether a request with this random number is part of the share.</summary>
    public bool Includes(ulong random) => random % Denominator < Numerator;
}
