using System.Collections.Immutable;
using Envoy.Extensions.Filters.Http.JwtAuthn.V3;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Filters.JwtAuthn;
using JwtProvider = Waypoint.Proxy.Filters.JwtAuthn.JwtProvider;
using JwtRequirement = Waypoint.Proxy.Filters.JwtAuthn.JwtRequirement;
using Wire = Envoy.Extensions.Filters.Http.JwtAuthn.V3;

namespace Waypoint.Proxy.Xds.Translation.Filters.JwtAuthn;

/// <summary><c>envoy.filters.http.jwt_authn</c>: what istiod makes of a RequestAuthentication.</summary>
internal sealed class JwtAuthnTranslator(JwtProviderTranslator providers, TimeProvider time) : IHttpFilterTranslator
{
    public string Type => "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";

    public string RouteType => "envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig";

    public IHttpFilter? Translate(FilterSource source)
    {
        var scope = source.Scope;
        var config = source.Config.Open<JwtAuthentication>(scope, "typed_config");
        if (config.FilterStateRules is not null)
        {
            scope.Unsupported("JWT filter_state_rules (everything is refused)");
            return RefuseEverything.Instance;
        }

        var byName = config.Providers.OrderBy(p => p.Key, StringComparer.Ordinal)
            .ToImmutableSortedDictionary(p => p.Key, p => providers.Translate(p.Key, p.Value, source), StringComparer.Ordinal);
        var named = config.RequirementMap.ToImmutableSortedDictionary(r => r.Key, r => Requirement(r.Value, byName, [], scope), StringComparer.Ordinal);
        return new JwtAuthnFilter(
            source.Name,
            new JwtAuthnSettings(
                [.. config.Rules.Select(rule => Rule(rule, byName, named, scope))], named, config.BypassCorsPreflight, config.StripFailureResponse),
            time);
    }

    public object TranslateRoute(FilterSource source)
    {
        var config = source.Config.Open<PerRouteConfig>(source.Scope, "typed_per_filter_config");
        return config.RequirementSpecifierCase switch
        {
            PerRouteConfig.RequirementSpecifierOneofCase.RequirementName => new JwtRouteSettings(config.RequirementName),
            PerRouteConfig.RequirementSpecifierOneofCase.Disabled when config.Disabled => new JwtRouteSettings((string?)null),
            _ => throw source.Scope.Invalid("requirement_specifier", "missing"),
        };
    }

    private static JwtRule Rule(
        RequirementRule rule,
        IReadOnlyDictionary<string, JwtProvider> providers,
        ImmutableSortedDictionary<string, JwtRequirement?> named,
        TranslationScope scope)
    {
        using var part = scope.Enter("rule");
        var match = RouteMatchTranslator.Translate(rule.Match ?? throw scope.Invalid("match", "missing"), scope);
        return new JwtRule(match, rule.RequirementTypeCase switch
        {
            RequirementRule.RequirementTypeOneofCase.Requires => Requirement(rule.Requires, providers, [], scope),
            RequirementRule.RequirementTypeOneofCase.RequirementName => named.TryGetValue(rule.RequirementName, out var requirement)
                ? requirement
                : throw scope.Invalid("requirement_name", $"'{rule.RequirementName}' is not in requirement_map"),
            _ => null,
        });
    }

    /// <param name="requirement">As sent.</param>
    /// <param name="providers">All providers.</param>
    /// <param name="beside">The providers required beside it; tokens that may be missing are looked for at their places.</param>
    /// <param name="scope">Where errors go.</param>
    private static JwtRequirement? Requirement(
        Wire.JwtRequirement requirement, IReadOnlyDictionary<string, JwtProvider> providers, string[] beside, TranslationScope scope)
    {
        switch (requirement.RequiresTypeCase)
        {
            case Wire.JwtRequirement.RequiresTypeOneofCase.ProviderName:
                return new RequiresProvider(Provider(requirement.ProviderName), null);
            case Wire.JwtRequirement.RequiresTypeOneofCase.ProviderAndAudiences:
                var required = requirement.ProviderAndAudiences;
                return new RequiresProvider(
                    Provider(required.ProviderName),
                    required.Audiences.Count == 0 ? null : [.. required.Audiences.Select(JwtProvider.AudienceName)]);
            case Wire.JwtRequirement.RequiresTypeOneofCase.RequiresAny:
                return Any(requirement.RequiresAny.Requirements, providers, scope);
            case Wire.JwtRequirement.RequiresTypeOneofCase.RequiresAll:
                return new RequiresAll([.. requirement.RequiresAll.Requirements.Select(r => Requirement(r, providers, [], scope)).OfType<JwtRequirement>()]);
            case Wire.JwtRequirement.RequiresTypeOneofCase.AllowMissing:
            case Wire.JwtRequirement.RequiresTypeOneofCase.AllowMissingOrFailed:
                return new RequiresNone(
                    beside.Length == 0 ? [.. providers.Values] : [.. beside.Select(Provider)],
                    requirement.RequiresTypeCase == Wire.JwtRequirement.RequiresTypeOneofCase.AllowMissingOrFailed);
            case Wire.JwtRequirement.RequiresTypeOneofCase.None:
                return null;
            default:
                throw scope.Invalid("requires", $"{requirement.RequiresTypeCase} is not supported");
        }

        JwtProvider Provider(string name) =>
            providers.TryGetValue(name, out var provider) ? provider : throw scope.Invalid("provider_name", $"provider '{name}' is not configured");
    }

    // Of several that ask for no token one counts, the weakest, and it comes last.
    private static RequiresAny? Any(
        IReadOnlyCollection<Wire.JwtRequirement> requirements, IReadOnlyDictionary<string, JwtProvider> providers, TranslationScope scope)
    {
        string[] beside =
        [
            .. requirements.Select(r => r.RequiresTypeCase switch
            {
                Wire.JwtRequirement.RequiresTypeOneofCase.ProviderName => r.ProviderName,
                Wire.JwtRequirement.RequiresTypeOneofCase.ProviderAndAudiences => r.ProviderAndAudiences.ProviderName,
                _ => "",
            }).Where(name => name.Length > 0),
        ];
        var firm = requirements.Where(r => !IsBypass(r)).Select(r => Requirement(r, providers, [], scope)).ToArray();
        if (firm.Contains(null))
        {
            return null;
        }

        var bypass = requirements.Where(IsBypass)
            .OrderByDescending(r => r.RequiresTypeCase == Wire.JwtRequirement.RequiresTypeOneofCase.AllowMissingOrFailed)
            .Take(1)
            .Select(r => Requirement(r, providers, beside, scope));
        return new RequiresAny([.. firm.Concat(bypass).OfType<JwtRequirement>()]);
    }

    private static bool IsBypass(Wire.JwtRequirement requirement) => requirement.RequiresTypeCase
        is Wire.JwtRequirement.RequiresTypeOneofCase.AllowMissing or Wire.JwtRequirement.RequiresTypeOneofCase.AllowMissingOrFailed;
}
