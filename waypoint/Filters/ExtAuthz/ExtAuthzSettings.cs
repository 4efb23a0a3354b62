using System.Collections.Frozen;
using System.Collections.Immutable;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.ExtAuthz;

/// <param name="MaxBytes">How much of a body is read.</param>
/// <param name="AllowPartial">A longer one is shown in part; otherwise it is refused.</param>
/// <param name="AsBytes">It is shown as bytes, not as text.</param>
internal sealed record BodySettings(int MaxBytes, bool AllowPartial, bool AsBytes);

/// <summary>When a service is asked and what becomes of a request that it could not be asked about.</summary>
internal sealed record ExtAuthzSettings
{
    /// <summary>The share of requests that are asked about.</summary>
    public Fraction Enabled { get; init; } = new(100, 100);

    /// <summary>Only requests of which earlier filters told this are asked about; null: all.</summary>
    public MetadataMatch? EnabledMetadata { get; init; }

    /// <summary>Requests that are not asked about do not pass.</summary>
    public bool DenyAtDisable { get; init; }

    /// <summary>A request passes when the service cannot be asked.</summary>
    public bool FailureModeAllow { get; init; }

    /// <summary>The backend is told of that.</summary>
    public bool FailureModeAllowHeader { get; init; }

    public int StatusOnError { get; init; } = StatusCodes.Status403Forbidden;

    /// <summary>Null: the service does not see the body.</summary>
    public BodySettings? Body { get; init; }

    public bool ClearsRoute { get; init; }
}

/// <summary>What a route says.</summary>
/// <param name="Disabled">The service is not asked.</param>
/// <param name="Context">What it is told besides.</param>
/// <param name="WithoutBody">It does not see the body.</param>
/// <param name="Body">In place of the filter's own; null for that.</param>
internal sealed record ExtAuthzRouteSettings(
    bool Disabled, IReadOnlyDictionary<string, string> Context, bool WithoutBody = false, BodySettings? Body = null)
{
    public static ExtAuthzRouteSettings None { get; } = new(false, FrozenDictionary<string, string>.Empty);
}

/// <summary>Which headers, by name.</summary>
/// <param name="Allowed">Null: all.</param>
/// <param name="Disallowed">Of those.</param>
internal sealed record HeaderChoice(ImmutableArray<StringMatch>? Allowed, ImmutableArray<StringMatch> Disallowed)
{
    /// <param name="name">In lower case.</param>
    public bool Includes(string name) => (Allowed is not { } allowed || Any(allowed, name)) && !Any(Disallowed, name);

    public static bool Any(ImmutableArray<StringMatch> matches, string name)
    {
        foreach (var match in matches)
        {
            if (match.Matches(name))
            {
                return true;
            }
        }

        return false;
    }
}
