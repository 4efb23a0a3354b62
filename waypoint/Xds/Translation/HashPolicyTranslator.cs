using Waypoint.Proxy.Routing;
using Wire = Envoy.Config.Route.V3.RouteAction.Types.HashPolicy;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>What of a request decides about its endpoint.</summary>
internal static class HashPolicyTranslator
{
    public static IReadOnlyList<HashPolicy> Translate(IEnumerable<Wire> policies, TranslationScope scope)
    {
        using var part = scope.Enter("hash_policy");
        return [.. policies.Select(policy => Translate(policy, scope)).OfType<HashPolicy>()];
    }

    private static HashPolicy? Translate(Wire policy, TranslationScope scope)
    {
        HashPolicy? translated = policy.PolicySpecifierCase switch
        {
            Wire.PolicySpecifierOneofCase.Header => Header(policy.Header, scope),
            Wire.PolicySpecifierOneofCase.Cookie => Cookie(policy.Cookie, scope),
            Wire.PolicySpecifierOneofCase.QueryParameter => new QueryHash(Named(policy.QueryParameter.Name, "query_parameter.name", scope)),
            Wire.PolicySpecifierOneofCase.ConnectionProperties => policy.ConnectionProperties.SourceIp ? new SourceAddressHash() : null,
            _ => null,
        };
        if (translated is null)
        {
            scope.Unsupported($"hash_policy {policy.PolicySpecifierCase}");
            return null;
        }

        return translated with { IsTerminal = policy.Terminal };
    }

    private static HeaderHash Header(Wire.Types.Header header, TranslationScope scope) => new(Named(header.HeaderName, "header.header_name", scope))
    {
        Pattern = header.RegexRewrite is { } rewrite ? StringTranslator.Search(rewrite.Pattern?.Regex ?? "", scope, "header.regex_rewrite") : null,
        Substitution = header.RegexRewrite?.Substitution ?? "",
    };

    private static CookieHash Cookie(Wire.Types.Cookie cookie, TranslationScope scope) => new(Named(cookie.Name, "cookie.name", scope))
    {
        Lifetime = cookie.Ttl is { } lifetime ? lifetime.ToTime(TimeSpan.Zero, scope, "cookie.ttl") : null,
        Path = cookie.Path,
        Attributes = [.. cookie.Attributes.Select(attribute => KeyValuePair.Create(attribute.Name, attribute.Value))],
    };

    private static string Named(string name, string field, TranslationScope scope) => name.Length > 0 ? name : throw scope.Invalid(field, "empty");
}
