using System.Text.Json.Nodes;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.ExtAuthz;

internal enum AuthzOutcome
{
    Allowed,
    Denied,

    /// <summary>The service could not be asked, or its answer is none.</summary>
    Failed,
}

/// <summary>What the authorisation service says.</summary>
internal sealed record AuthzVerdict(AuthzOutcome Outcome)
{
    public static AuthzVerdict Failed { get; } = new(AuthzOutcome.Failed);

    /// <summary>The answer's status when denied.</summary>
    public int Status { get; init; } = StatusCodes.Status403Forbidden;

    /// <summary>The answer's body when denied.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Changes to the request when allowed.</summary>
    public HeaderMutations RequestHeaders { get; init; } = HeaderMutations.None;

    /// <summary>Changes to the answer: our own when denied, the backend's when allowed.</summary>
    public HeaderMutations ResponseHeaders { get; init; } = HeaderMutations.None;

    public IReadOnlyList<KeyValuePair<string, string>> QueryToSet { get; init; } = [];

    public IReadOnlyList<string> QueryToRemove { get; init; } = [];

    /// <summary>For later filters and the access log.</summary>
    public JsonObject? Metadata { get; init; }
}
