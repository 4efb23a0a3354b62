using System.Collections.Immutable;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Sources.Reading;

namespace Waypoint.GatewayApi.Validation;

internal static class FilterChecks
{
    /// <summary>Only mirrors and extensions may be given more than once, and a redirect leaves nothing to rewrite.</summary>
    public static void CheckCombination(FieldReader owner, ImmutableArray<RouteFilter> filters)
    {
        foreach (IGrouping<string, RouteFilter> same in filters.GroupBy(filter => filter.Type).Where(group => group.Count() > 1))
        {
            if (same.Key is not ("RequestMirror" or "ExtensionRef" or "ExternalAuth"))
            {
                owner.Error("filters", $"{same.Key} cannot be repeated");
            }
        }

        if (filters.Any(filter => filter is RequestRedirect) && filters.Any(filter => filter is UrlRewrite))
        {
            owner.Error("filters", "RequestRedirect and URLRewrite cannot be used together");
        }
    }
}
