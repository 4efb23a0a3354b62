using System.Text;
using Envoy.Config.Core.V3;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Filters.JwtAuthn;
using Waypoint.Proxy.LoadBalancing;
using JwtProvider = Waypoint.Proxy.Filters.JwtAuthn.JwtProvider;
using Wire = Envoy.Extensions.Filters.Http.JwtAuthn.V3;

namespace Waypoint.Proxy.Xds.Translation.Filters.JwtAuthn;

/// <summary>Issuers of tokens. Keys that are fetched are fetched once for all chains that name them, and stay when the configuration changes.</summary>
internal sealed class JwtProviderTranslator(ClusterClient client, TimeProvider time)
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DefaultCacheDuration = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan DefaultRetryDelay = TimeSpan.FromSeconds(1);

    private readonly WeakTable<RemoteJwksSettings, RemoteJwks> _remote = new(settings => new RemoteJwks(settings, client, time));

    public JwtProvider Translate(string name, Wire.JwtProvider provider, FilterSource source)
    {
        var scope = source.Scope;
        using var part = scope.Enter($"provider '{name}'");
        return new JwtProvider
        {
            Keys = Keys(provider, source),
            Locations = Locations(provider),
            Issuer = provider.Issuer,
            Audiences = [.. provider.Audiences.Select(JwtProvider.AudienceName)],
            Subject = provider.Subjects is null ? null : StringTranslator.Translate(provider.Subjects, scope, "subjects"),
            RequireExpiration = provider.RequireExpiration,
            MaxLifetime = (long)provider.MaxLifetime.ToTime(TimeSpan.Zero, scope, "max_lifetime").TotalSeconds,
            ClockSkew = provider.ClockSkewSeconds > 0 ? provider.ClockSkewSeconds : 60,
            Forward = provider.Forward,
            PayloadHeader = provider.ForwardPayloadHeader,
            PadPayloadHeader = provider.PadForwardPayloadHeader,
            ClaimHeaders = [.. provider.ClaimToHeaders.Select(c => new ClaimHeader([.. c.ClaimName.Split('.')], c.HeaderName))],
            PayloadMetadata = provider.PayloadInMetadata,
            HeaderMetadata = provider.HeaderInMetadata,
            FailureMetadata = provider.FailedStatusInMetadata,
            ListClaims = [.. provider.NormalizePayloadInMetadata?.SpaceDelimitedClaims ?? []],
            ClearsRoute = provider.ClearRouteCache,
        };
    }

    private static JwtLocations Locations(Wire.JwtProvider provider) =>
        provider.FromHeaders.Count + provider.FromParams.Count + provider.FromCookies.Count == 0
            ? JwtLocations.Default
            : new JwtLocations(
                [.. provider.FromHeaders.Select(h => new JwtHeaderLocation(h.Name, h.ValuePrefix))], [.. provider.FromParams], [.. provider.FromCookies]);

    private IJwksSource Keys(Wire.JwtProvider provider, FilterSource source)
    {
        switch (provider.JwksSourceSpecifierCase)
        {
            case Wire.JwtProvider.JwksSourceSpecifierOneofCase.LocalJwks:
                return Inline(provider.LocalJwks, source.Scope);
            case Wire.JwtProvider.JwksSourceSpecifierOneofCase.RemoteJwks:
                return Remote(provider.RemoteJwks, source);
            case Wire.JwtProvider.JwksSourceSpecifierOneofCase.None:
            default:
                throw source.Scope.Invalid("jwks_source_specifier", "missing");
        }
    }

    private static InlineJwks Inline(DataSource data, TranslationScope scope)
    {
        var keys = JsonWebKeySet.Parse(data.SpecifierCase switch
        {
            DataSource.SpecifierOneofCase.InlineString => Encoding.UTF8.GetBytes(data.InlineString),
            DataSource.SpecifierOneofCase.InlineBytes => data.InlineBytes.ToByteArray(),
            _ => throw scope.Invalid("local_jwks", $"{data.SpecifierCase} is not supported"),
        });
        foreach (var kind in keys.Unsupported)
        {
            scope.Unsupported($"JWK of kind '{kind}' (its tokens are refused)");
        }

        // Without a key every token fails, as Envoy has it: the rest of the configuration stands.
        scope.UnsupportedIf(keys.Status != JwtStatus.Ok, $"local_jwks: {keys.Status.Text()} (every token is refused)");
        return new InlineJwks(keys);
    }

    private RemoteJwks Remote(Wire.RemoteJwks remote, FilterSource source)
    {
        var scope = source.Scope;
        using var part = scope.Enter("remote_jwks");
        if (!Uri.TryCreate(remote.HttpUri?.Uri, UriKind.Absolute, out var uri)
            || uri.Scheme is not ("http" or "https")
            || remote.HttpUri.Cluster.Length == 0)
        {
            throw scope.Invalid("http_uri", "an http or https URI and a cluster are needed");
        }

        var keys = _remote.Get(new RemoteJwksSettings(
            uri,
            source.Cluster(remote.HttpUri.Cluster),
            remote.HttpUri.Timeout.ToTime(DefaultTimeout, scope, "http_uri.timeout"),
            remote.CacheDuration.ToTime(DefaultCacheDuration, scope, "cache_duration"),
            remote.AsyncFetch?.FailedRefetchDuration.ToTime(DefaultRetryDelay, scope, "failed_refetch_duration") ?? DefaultRetryDelay));
        if (remote.AsyncFetch is not null)
        {
            // Ahead of the first request, which waits for it if it must.
            keys.Prefetch();
        }

        return keys;
    }
}
