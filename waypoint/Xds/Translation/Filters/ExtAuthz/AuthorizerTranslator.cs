using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Envoy.Extensions.Filters.Http.ExtAuthz.V3;
using Envoy.Type.Matcher.V3;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Filters.ExtAuthz;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Xds.Grpc;
using HttpService = Envoy.Extensions.Filters.Http.ExtAuthz.V3.HttpService;

namespace Waypoint.Proxy.Xds.Translation.Filters.ExtAuthz;

/// <summary>Authorisation services.</summary>
internal sealed class AuthorizerTranslator(ClusterClient client, PeerIdentity peers)
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMilliseconds(200);

    public GrpcAuthorizer Grpc(GrpcService service, HeaderChoice headers, IReadOnlyList<string> metadata, bool bodyAsBytes, FilterSource source)
    {
        using var part = source.Scope.Enter("grpc_service");
        if (service.TargetSpecifierCase != GrpcService.TargetSpecifierOneofCase.EnvoyGrpc)
        {
            throw source.Scope.Invalid("target_specifier", $"{service.TargetSpecifierCase} is not supported");
        }

        var carried = new GrpcMetadata();
        foreach (var header in service.InitialMetadata)
        {
            if (header.Value.Contains('%'))
            {
                source.Scope.Unsupported($"initial_metadata: '{header.Key}' with a command operator");
                continue;
            }

            carried.Add(header.Key.ToLowerInvariant(), header.Value);
        }

        var timeout = service.Timeout.ToTime(DefaultTimeout, source.Scope, "timeout");
        return new GrpcAuthorizer(
            new GrpcAuthorizerSettings(
                source.Cluster(service.EnvoyGrpc.ClusterName),
                service.EnvoyGrpc.Authority is { Length: > 0 } authority ? authority : null,
                timeout > TimeSpan.Zero ? timeout : null,
                carried),
            new CheckRequests(headers, metadata, bodyAsBytes, peers),
            client);
    }

    public HttpAuthorizer Http(HttpService service, HeaderChoice headers, FilterSource source)
    {
        var scope = source.Scope;
        using var part = scope.Enter("http_service");
        if (service.ServerUri?.Cluster is not { Length: > 0 } cluster)
        {
            throw scope.Invalid("server_uri.cluster", "missing");
        }

        var (request, response) = (service.AuthorizationRequest, service.AuthorizationResponse);
        return new HttpAuthorizer(
            new HttpAuthorizerSettings
            {
                Cluster = source.Cluster(cluster),
                Timeout = service.ServerUri.Timeout.ToTime(DefaultTimeout, scope, "server_uri.timeout"),
                PathPrefix = service.PathPrefix,
                Headers = headers with
                {
                    // Unlike a gRPC service, one over HTTP sees no header that is not named.
                    Allowed = [.. headers.Allowed ?? [], .. Patterns(request?.AllowedHeaders, "allowed_headers", scope)],
                },
                HeadersToAdd = [.. request?.HeadersToAdd.Select(h => KeyValuePair.Create(h.Key, h.Value)) ?? []],
                Upstream = Patterns(response?.AllowedUpstreamHeaders, "allowed_upstream_headers", scope),
                UpstreamAppended = Patterns(response?.AllowedUpstreamHeadersToAppend, "allowed_upstream_headers_to_append", scope),
                ClientWhenDenied = response?.AllowedClientHeaders is { } list ? Patterns(list, "allowed_client_headers", scope) : null,
                ClientWhenAllowed = Patterns(response?.AllowedClientHeadersOnSuccess, "allowed_client_headers_on_success", scope),
                Metadata = Patterns(response?.DynamicMetadataFromHeaders, "dynamic_metadata_from_headers", scope),
            },
            client);
    }

    public static ImmutableArray<StringMatch> Patterns(ListStringMatcher? list, string field, TranslationScope scope) =>
        [.. list?.Patterns.Select(pattern => StringTranslator.Translate(pattern, scope, field)) ?? []];
}
