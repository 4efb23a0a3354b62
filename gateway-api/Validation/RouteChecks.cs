using System.Collections.Immutable;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Sources.Reading;

namespace Waypoint.GatewayApi.Validation;

/// <summary>The rules that the API states across fields of a route (in its CRDs, as CEL).</summary>
internal static class RouteChecks
{
    private const int MaximumMatchesInRoute = 128;

    public static void Check(FieldReader spec, RequestRoute route)
    {
        if (route.Rules.IsEmpty)
        {
            spec.Error("rules", "needs at least one rule");
        }

        int matches = route.Rules.Sum(rule => rule.Matches.Length);
        if (matches > MaximumMatchesInRoute)
        {
            spec.Error("rules", $"have {matches} matches in all; at most {MaximumMatchesInRoute} are allowed");
        }

        HashSet<string> names = [];
        for (int index = 0; index < route.Rules.Length; index++)
        {
            if (route.Rules[index].Name is { } name && !names.Add(name))
            {
                spec.Error("rules", $"the name \"{name}\" of rule {index} is that of an earlier rule; names must be unique in a route");
            }
        }
    }

    public static void CheckParents(FieldReader spec, ImmutableArray<ParentRef> parents)
    {
        foreach (IGrouping<(string, string, string, string), ParentRef> same in parents
            .GroupBy(parent => (parent.Group, parent.Kind, parent.Namespace, parent.Name))
            .Where(group => group.Count() > 1))
        {
            if (same.Any(parent => parent.SectionName is null && parent.Port is null))
            {
                spec.Error("parentRefs", $"refer to {same.First().Kind} \"{same.First().Name}\" more than once; each must then have a sectionName or port");
            }
            else if (same.GroupBy(parent => (parent.SectionName, parent.Port)).Any(group => group.Count() > 1))
            {
                spec.Error("parentRefs", $"refer to {same.First().Kind} \"{same.First().Name}\" more than once with the same sectionName and port");
            }
        }
    }

    public static void CheckRule(FieldReader rule, RouteRule read)
    {
        bool redirects = read.Filters.Any(filter => filter is RequestRedirect);
        if (redirects && !read.BackendRefs.IsEmpty)
        {
            rule.Error("backendRefs", "must be empty in a rule with a RequestRedirect filter");
        }

        IEnumerable<RouteFilter> filters = read.Filters.Concat(read.BackendRefs.SelectMany(backend => backend.Filters));
        if (filters.Any(ReplacesPrefix) && (read.Matches.Length != 1 || read.Matches[0].Path.Type != PathMatchType.Prefix))
        {
            rule.Error("filters", "replacePrefixMatch needs exactly one match in the rule, with a path of type PathPrefix");
        }
    }

    private static bool ReplacesPrefix(RouteFilter filter) =>
        filter is RequestRedirect { Path.Prefix: true } or UrlRewrite { Path.Prefix: true };
}
