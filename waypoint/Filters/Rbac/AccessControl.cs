using System.Buffers;

namespace Waypoint.Proxy.Filters.Rbac;

/// <summary>The rules of one filter, or of one route for it, and what both kinds of filter do about them.</summary>
/// <param name="Rules">Those that decide; null when nothing is decided.</param>
/// <param name="Shadow">Those of which only is told what they would decide; null for none.</param>
/// <param name="ShadowPrefix">Begins the keys under which that is told.</param>
internal sealed record AccessControl(AccessRules? Rules, AccessRules? Shadow, string ShadowPrefix)
{
    private static readonly SearchValues<char> Spaces = SearchValues.Create(" \t\n\v\f\r");

    /// <summary>Takes no part.</summary>
    public static AccessControl None { get; } = new(null, null, "");

    /// <param name="request">Who wants what.</param>
    /// <param name="name">The namespace of the metadata in which the shadow's verdict is told.</param>
    /// <param name="chain">For the metrics.</param>
    /// <param name="metrics">Counts every verdict.</param>
    public AccessVerdict Judge(in AccessRequest request, string name, string chain, RbacMetrics metrics)
    {
        if (Shadow is not null)
        {
            var verdict = Shadow.Judge(request);
            metrics.CountShadow(verdict, chain);
            if (verdict.Policy is not null)
            {
                request.Metadata.Set(name, ShadowPrefix + "shadow_effective_policy_id", verdict.Policy);
            }

            request.Metadata.Set(name, ShadowPrefix + "shadow_engine_result", verdict.Allowed ? "allowed" : "denied");
        }

        if (Rules is null)
        {
            return new AccessVerdict(true, null);
        }

        var decision = Rules.Judge(request);
        metrics.Count(decision, chain);
        if (Rules.Action == AccessAction.Log)
        {
            request.Metadata.Set("envoy.common", "access_log_hint", decision.Policy is not null);
        }

        return decision;
    }

    /// <summary>Envoy's words for why access was denied; without spaces, which separate the fields of a log.</summary>
    public static string Details(AccessVerdict verdict)
    {
        var policy = verdict.Policy ?? "none";
        if (policy.AsSpan().ContainsAny(Spaces))
        {
            policy = string.Join('_', policy.Split([' ', '\t', '\n', '\v', '\f', '\r']));
        }

        return $"rbac_access_denied_matched_policy[{policy}]";
    }
}
