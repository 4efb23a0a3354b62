using Envoy.Config.Listener.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>
/// The names of the mesh's trust domain. istiod says them nowhere but in its listener for HBONE, as the beginnings of the ids that clients may have.
/// </summary>
internal static class TrustDomainTranslator
{
    /// <summary>The listener of Envoy's end of HBONE; the rest of it the proxy does itself.</summary>
    public const string Listener = "connect_terminate";

    private const string Scheme = "spiffe://";

    /// <exception cref="ResourceException">Its TLS context cannot be read.</exception>
    public static IReadOnlyList<string> Translate(Listener listener)
    {
        var scope = new TranslationScope($"Listener '{listener.Name}'");
        return
        [
            .. from chain in listener.FilterChains
               where chain.TransportSocket?.TypedConfig?.Is(DownstreamTlsContext.Descriptor) == true
               let tls = chain.TransportSocket.TypedConfig.Open<DownstreamTlsContext>(scope, "transport_socket").CommonTlsContext
               from name in tls?.CombinedValidationContext?.DefaultValidationContext?.MatchTypedSubjectAltNames ?? []
               where name.SanType == SubjectAltNameMatcher.Types.SanType.Uri
               select DomainOf(name.Matcher?.Prefix ?? "") into domain
               where domain.Length > 0
               select domain,
        ];
    }

    // A longer beginning than a whole trust domain's would say less than the domain.
    private static string DomainOf(string prefix) =>
        prefix.StartsWith(Scheme, StringComparison.Ordinal) && prefix.IndexOf('/', Scheme.Length) == prefix.Length - 1 ? prefix[Scheme.Length..^1] : "";
}
