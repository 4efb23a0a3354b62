using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Validation;

/// <summary>
/// What of a valid rule we cannot carry out. A rule with such a filter answers 500: the API forbids to serve a request as if
/// the filter were not there.
/// </summary>
internal static class RuleSupport
{
    public static string? Problem(RouteRule rule)
    {
        foreach (RouteFilter filter in rule.Filters)
        {
            if (filter is UnsupportedFilter or Cors)
            {
                return $"filter {filter.Type} is not supported";
            }
        }

        foreach (BackendRef backend in rule.BackendRefs)
        {
            foreach (RouteFilter filter in backend.Filters)
            {
                if (filter is not (RequestHeaderModifier or ResponseHeaderModifier))
                {
                    return $"filter {filter.Type} is not supported on a backendRef";
                }
            }
        }

        return null;
    }
}
