using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Telemetry.Formatting;

namespace Waypoint.Proxy.Telemetry.Expressions;

/// <summary>Envoy's attributes, by their paths.</summary>
internal static class CelAttributes
{
    private static readonly Dictionary<string, Func<StreamInfo, CelValue>> Known = new(StringComparer.Ordinal)
    {
        ["request.path"] = static s => CelValue.Of(s.Exchange is { } exchange ? exchange.Target ?? exchange.RawTarget : null),
        ["request.url_path"] = static s => CelValue.Of(s.Exchange is { } exchange ? (exchange.Target ?? exchange.RawTarget).Split('?')[0] : null),
        ["request.query"] = static s => CelValue.Of(s.Exchange?.Context.Request.QueryString.Value is { } query ? query.TrimStart('?') : null),
        ["request.host"] = static s => CelValue.Of(s.RequestHeaders is { } headers ? headers.Host.ToString() : null),
        ["request.scheme"] = static s => CelValue.Of(s.Exchange?.Context.Request.Scheme),
        ["request.method"] = static s => CelValue.Of(s.Exchange?.Context.Request.Method),
        ["request.protocol"] = static s => CelValue.Of(s.Exchange?.Context.Request.Protocol),
        ["request.headers"] = static s => CelValue.Of(s.RequestHeaders),
        ["request.referer"] = static s => Header(s, "referer"),
        ["request.useragent"] = static s => Header(s, "user-agent"),
        ["request.id"] = static s => Header(s, EnvoyHeaders.RequestId),
        ["request.size"] = static s => s.Exchange is null ? default : CelValue.Of(s.BytesReceived),
        ["request.duration"] = static s => s.Exchange is null ? default : CelValue.Of(s.Age.TotalMilliseconds),
        ["response.code"] = static s => s.Exchange is null ? default : CelValue.Of(s.Status),
        ["response.code_details"] = static s => CelValue.Of(s.Exchange?.Details),
        ["response.grpc_status"] = static s => GrpcStatusOperators.NumberOf(s) is { } status ? CelValue.Of(status) : default,
        ["response.headers"] = static s => CelValue.Of(s.Exchange?.Context.Response.Headers),
        ["response.trailers"] = static s => CelValue.Of(s.Exchange?.Context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers),
        ["response.size"] = static s => s.Exchange is null ? default : CelValue.Of(s.BytesSent),
        ["source.address"] = static s => Address(s.Client),
        ["source.port"] = static s => CelValue.Of(s.Client.Port),
        ["destination.address"] = static s => Address(s.Local),
        ["destination.port"] = static s => CelValue.Of(s.Local.Port),
        ["connection.mtls"] = static s => CelValue.Of(s.Exchange?.Destination.IsMutualTls ?? s.Connection!.IsMutualTls),
        ["connection.uri_san_peer_certificate"] = static s => CelValue.Of(s.ClientPrincipal),
        ["connection.requested_server_name"] = static s => CelValue.Of(s.Connection?.ServerName is { Length: > 0 } name ? name : null),
        ["connection.termination_details"] = static s => CelValue.Of(s.Connection?.TerminationDetails),
        ["upstream.address"] = static s => Address(s.Endpoint?.Address),
        ["upstream.port"] = static s => s.Endpoint is { } endpoint ? CelValue.Of(endpoint.Address.Port) : default,
        ["upstream.local_address"] = static s => Address(s.UpstreamLocal),
        ["upstream.transport_failure_reason"] = static s => CelValue.Of(s.Exchange?.TransportFailure),
        ["upstream.request_attempt_count"] = static s => s.Exchange is { } exchange ? CelValue.Of(exchange.Tries) : default,
        ["xds.cluster_name"] = static s => CelValue.Of(s.Cluster?.Name),
        ["xds.route_name"] = static s => CelValue.Of(s.Exchange?.Route?.Name),
        ["xds.filter_chain_name"] = static s => CelValue.Of(s.ChainName),
    };

    /// <summary>How the attribute at this path is read; null when the path is none, or goes on.</summary>
    public static Func<StreamInfo, CelValue>? Find(List<string> path)
    {
        if (Known.TryGetValue(string.Join('.', path), out var read))
        {
            return read;
        }

        return path switch
        {
            ["filter_state", var peer, var field] => Peer(peer, field),
            ["downstream_peer" or "upstream_peer", var field] => Peer(path[0], field),
            ["metadata", "filter_metadata", var name] => s => CelValue.Of(s.Metadata.Find(name)),
            _ => null,
        };
    }

    // Istio's objects in the filter state; its tag overrides speak of them.
    private static Func<StreamInfo, CelValue>? Peer(string peer, string field)
    {
        Func<StreamInfo, Workload?>? find = peer switch
        {
            "downstream_peer" or "downstream_peer_obj" => static s => s.Source,
            "upstream_peer" or "upstream_peer_obj" => static s => s.Destination,
            _ => null,
        };
        return find is null || FilterStateOperator.Field(NoWorkload, field) is null
            ? null
            : s => CelValue.Of(find(s) is { } workload ? FilterStateOperator.Field(workload, field) : null);
    }

    private static readonly Workload NoWorkload = new() { Uid = "", Addresses = [] };

    private static CelValue Header(StreamInfo stream, string name) => CelValue.Of(stream.RequestHeaders).Member(name);

    private static CelValue Address(IPEndPoint? address) => address is null
        ? default
        : CelValue.Of(string.Create(CultureInfo.InvariantCulture, $"{new IPEndPoint(address.Address.IsIPv4MappedToIPv6 ? address.Address.MapToIPv4() : address.Address, address.Port)}"));
}
