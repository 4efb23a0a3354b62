using System.Collections.Immutable;
using Waypoint.Proxy.Filters.LocalRateLimit;
using Waypoint.Proxy.Routing;
using Wire = Envoy.Config.Route.V3;

namespace Waypoint.Proxy.Xds.Translation.Filters.LocalRateLimit;

/// <summary>What requests are in the terms of rate limits. A rule with an action that is not supported makes no descriptor, and is reported.</summary>
internal static class RateLimitRuleTranslator
{
    public static ImmutableArray<RateLimitRule> Translate(IEnumerable<Wire.RateLimit> rules, TranslationScope scope)
    {
        using var part = scope.Enter("rate_limits");
        var translated = ImmutableArray.CreateBuilder<RateLimitRule>();
        foreach (var rule in rules.Where(rule => rule.DisableKey.Length == 0))
        {
            var actions = rule.Actions.Select(action => Translate(action, scope)).ToArray();
            if (!actions.Contains(null))
            {
                translated.Add(new RateLimitRule(rule.Stage ?? 0, [.. actions.OfType<RateLimitAction>()]));
            }
        }

        return translated.ToImmutable();
    }

    private static RateLimitAction? Translate(Wire.RateLimit.Types.Action action, TranslationScope scope)
    {
        switch (action.ActionSpecifierCase)
        {
            case Wire.RateLimit.Types.Action.ActionSpecifierOneofCase.GenericKey:
                return new DescribeGeneric(Or(action.GenericKey.DescriptorKey, "generic_key"), action.GenericKey.DescriptorValue);
            case Wire.RateLimit.Types.Action.ActionSpecifierOneofCase.RequestHeaders:
                var header = action.RequestHeaders;
                return new DescribeHeader(new HeaderPresence(header.HeaderName), header.DescriptorKey, header.SkipIfAbsent);
            case Wire.RateLimit.Types.Action.ActionSpecifierOneofCase.RemoteAddress:
                return new DescribeClient();
            case Wire.RateLimit.Types.Action.ActionSpecifierOneofCase.HeaderValueMatch:
                var match = action.HeaderValueMatch;
                return new DescribeMatch(
                    Or(match.DescriptorKey, "header_match"),
                    match.DescriptorValue,
                    [.. match.Headers.Select(matcher => RouteMatchTranslator.Header(matcher, scope))],
                    match.ExpectMatch ?? true);
            default:
                scope.Unsupported($"rate limit action {action.ActionSpecifierCase}");
                return null;
        }
    }

    private static string Or(string text, string otherwise) => text.Length > 0 ? text : otherwise;
}
