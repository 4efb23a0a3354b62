using System.Net;
using Envoy.Config.Core.V3;
using Envoy.Config.Rbac.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Path.Match.UriTemplate.V3;
using Envoy.Type.Matcher.V3;
using Waypoint.Proxy.Filters.Rbac;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Xds.Translation.Filters.Rbac;

/// <summary>
/// The conditions of a policy. One whose kind is not known gets the answer by which nobody passes who might not have: in a policy that allows it
/// does not hold, in one that denies it holds, and behind a "not" it is the other way round. It is reported by name.
/// </summary>
/// <param name="hasRequest">Whether there is an HTTP request to look at.</param>
/// <param name="unknown">The answer of a condition of unknown kind.</param>
/// <param name="scope">Where errors and findings go.</param>
internal sealed class ConditionTranslator(bool hasRequest, bool unknown, TranslationScope scope)
{
    private const string PeerPrincipalKey = "io.istio.peer_principal";

    private ConditionTranslator Negated
    {
        get => field ??= new ConditionTranslator(hasRequest, !unknown, scope) { Negated = this };
        init;
    }

    public AccessCondition AnyOf(IReadOnlyCollection<Permission> permissions) =>
        permissions.Count == 0 ? Unknown("permissions (empty)") : new AnyOf([.. permissions.Select(Whole)]);

    public AccessCondition AnyOf(IReadOnlyCollection<Principal> principals) =>
        principals.Count == 0 ? Unknown("principals (empty)") : new AnyOf([.. principals.Select(Whole)]);

    /// <summary>For a part of a policy that cannot be honoured.</summary>
    public AccessCondition Unknown(string kind)
    {
        scope.Unsupported($"RBAC {kind} (taken as {(unknown ? "met" : "not met")})");
        return new Always(unknown);
    }

    // A field of unknown kind may be all that narrows a condition.
    private AccessCondition Whole(Permission permission) =>
        UnknownFields.In(permission) ? Unknown("permission with unknown fields") : Translate(permission);

    private AccessCondition Whole(Principal principal) =>
        UnknownFields.In(principal) ? Unknown("principal with unknown fields") : Translate(principal);

    private AccessCondition Translate(Permission permission) => permission.RuleCase switch
    {
        Permission.RuleOneofCase.Any when permission.Any => new Always(true),
        Permission.RuleOneofCase.AndRules when permission.AndRules.Rules.Count > 0 => new AllOf([.. permission.AndRules.Rules.Select(Translate)]),
        Permission.RuleOneofCase.OrRules => AnyOf(permission.OrRules.Rules),
        Permission.RuleOneofCase.NotRule => new Not(Negated.Translate(permission.NotRule)),
        Permission.RuleOneofCase.Header => Header(permission.Header),
        Permission.RuleOneofCase.UrlPath => Path(permission.UrlPath),
        Permission.RuleOneofCase.UriTemplate => Template(permission.UriTemplate),
        Permission.RuleOneofCase.DestinationIp => new DestinationAddress(Range(permission.DestinationIp, "destination_ip")),
        Permission.RuleOneofCase.DestinationPort when permission.DestinationPort <= ushort.MaxValue =>
            new DestinationPort((int)permission.DestinationPort, (int)permission.DestinationPort + 1),
        Permission.RuleOneofCase.DestinationPortRange =>
            new DestinationPort(permission.DestinationPortRange.Start, permission.DestinationPortRange.End),
        Permission.RuleOneofCase.RequestedServerName => ServerName(permission.RequestedServerName),
        Permission.RuleOneofCase.Metadata => new ToldBefore(MetadataTranslator.Translate(permission.Metadata, scope)),
        Permission.RuleOneofCase.SourcedMetadata => Metadata(permission.SourcedMetadata),
        Permission.RuleOneofCase.Matcher => Unknown($"permission matcher '{permission.Matcher.Name}'"),
        _ => Unknown($"permission {permission.RuleCase}"),
    };

    private AccessCondition Translate(Principal principal) => principal.IdentifierCase switch
    {
        Principal.IdentifierOneofCase.Any when principal.Any => new Always(true),
        Principal.IdentifierOneofCase.AndIds when principal.AndIds.Ids.Count > 0 => new AllOf([.. principal.AndIds.Ids.Select(Translate)]),
        Principal.IdentifierOneofCase.OrIds => AnyOf(principal.OrIds.Ids),
        Principal.IdentifierOneofCase.NotId => new Not(Negated.Translate(principal.NotId)),
        Principal.IdentifierOneofCase.Authenticated => new PeerPrincipal(
            principal.Authenticated.PrincipalName is { } name ? StringTranslator.Translate(name, scope, "authenticated.principal_name") : null),
        Principal.IdentifierOneofCase.FilterState => FilterState(principal.FilterState),
        Principal.IdentifierOneofCase.SourceIp => new SourceAddress(Range(principal.SourceIp, "source_ip")),
        Principal.IdentifierOneofCase.DirectRemoteIp => new SourceAddress(Range(principal.DirectRemoteIp, "direct_remote_ip")),
        Principal.IdentifierOneofCase.RemoteIp => new ForwardedAddress(Range(principal.RemoteIp, "remote_ip")),
        Principal.IdentifierOneofCase.Header => Header(principal.Header),
        Principal.IdentifierOneofCase.UrlPath => Path(principal.UrlPath),
        Principal.IdentifierOneofCase.Metadata => new ToldBefore(MetadataTranslator.Translate(principal.Metadata, scope)),
        Principal.IdentifierOneofCase.SourcedMetadata => Metadata(principal.SourcedMetadata),
        Principal.IdentifierOneofCase.Custom => Unknown($"principal custom '{principal.Custom.Name}'"),
        _ => Unknown($"principal {principal.IdentifierCase}"),
    };

    private RequestHeader Header(HeaderMatcher matcher)
    {
        RequireRequest("header");
        return new RequestHeader(RouteMatchTranslator.Header(matcher, scope));
    }

    private RequestPath Path(PathMatcher matcher)
    {
        RequireRequest("url_path");
        return matcher.RuleCase == PathMatcher.RuleOneofCase.Path
            ? new RequestPath(StringTranslator.Translate(matcher.Path, scope, "url_path.path"))
            : throw scope.Invalid("url_path", "no path");
    }

    private AccessCondition Template(TypedExtensionConfig extension)
    {
        RequireRequest("uri_template");
        if (extension.TypedConfig is not { } config || !config.Is(UriTemplateMatchConfig.Descriptor))
        {
            return Unknown($"permission uri_template '{extension.Name}'");
        }

        try
        {
            return new RequestPathTemplate(UriTemplate.Compile(config.Open<UriTemplateMatchConfig>(scope, "uri_template").PathTemplate));
        }
        catch (Exception e) when (e is FormatException or Re2PatternException)
        {
            throw scope.Invalid("uri_template.path_template", e.Message, e);
        }
    }

    private AccessCondition FilterState(FilterStateMatcher matcher) =>
        matcher is { Key: PeerPrincipalKey, MatcherCase: FilterStateMatcher.MatcherOneofCase.StringMatch }
            ? new PeerPrincipal(StringTranslator.Translate(matcher.StringMatch, scope, "filter_state.string_match"))
            : Unknown($"principal filter_state '{matcher.Key}'");

    private AccessCondition Metadata(SourcedMetadata metadata) =>
        metadata is { MetadataSource: MetadataSource.Dynamic, MetadataMatcher: { } matcher }
            ? new ToldBefore(MetadataTranslator.Translate(matcher, scope))
            : Unknown($"sourced_metadata {metadata.MetadataSource}");

    private RequestedServerName ServerName(StringMatcher matcher) =>
        new(StringTranslator.Translate(matcher, scope, "requested_server_name"), unknown);

    private AddressRange Range(CidrRange range, string field)
    {
        if (!IPAddress.TryParse(range.AddressPrefix, out var address))
        {
            throw scope.Invalid($"{field}.address_prefix", $"'{range.AddressPrefix}' is not an IP address");
        }

        var bits = address.GetAddressBytes().Length * 8;
        var length = range.PrefixLen ?? 0;
        return length <= bits ? AddressRange.Of(address, (int)length) : throw scope.Invalid($"{field}.prefix_len", $"{length} is more than {bits}");
    }

    // Envoy refuses these too.
    private void RequireRequest(string kind)
    {
        if (!hasRequest)
        {
            throw scope.Invalid(kind, "a TCP connection has none");
        }
    }
}
