using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Envoy.Config.Core.V3;
using Envoy.Service.Auth.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Tcp;

namespace Waypoint.Proxy.Filters.ExtAuthz;

/// <summary>Says what a request or a connection is in the terms of <c>envoy.service.auth.v3</c>.</summary>
/// <param name="headers">The headers that are shown.</param>
/// <param name="metadata">The namespaces of metadata that are shown.</param>
/// <param name="bodyAsBytes">The body is shown as bytes, not as text.</param>
/// <param name="peers">Who clients are.</param>
internal sealed class CheckRequests(HeaderChoice headers, IReadOnlyList<string> metadata, bool bodyAsBytes, PeerIdentity peers)
{
    public CheckRequest Of(Exchange exchange, RequestStart? body, IReadOnlyDictionary<string, string> context)
    {
        var destination = exchange.Destination;
        var attributes = Peers(destination.Client, destination.ClientPrincipal, destination.Original);
        attributes.ContextExtensions.Add(context.ToDictionary());
        attributes.Request = new AttributeContext.Types.Request
        {
            Time = Timestamp.FromDateTime(exchange.StartedAt),
            Http = Http(exchange, body),
        };
        attributes.MetadataContext = new Metadata();
        foreach (var name in metadata)
        {
            if (exchange.Metadata.Find(name) is { } told)
            {
                attributes.MetadataContext.FilterMetadata.Add(name, JsonParser.Default.Parse<Struct>(told.ToJsonString()));
            }
        }

        return new CheckRequest { Attributes = attributes };
    }

    public CheckRequest Of(TcpConnection connection) =>
        new() { Attributes = Peers(connection.Client, connection.ClientPrincipal, connection.Original) };

    public static JsonObject? ToJson(Struct? fields) =>
        fields is null || fields.Fields.Count == 0 ? null : JsonNode.Parse(JsonFormatter.Default.Format(fields))!.AsObject();

    private AttributeContext Peers(IPEndPoint client, string? principal, IPEndPoint destination) => new()
    {
        Source = new AttributeContext.Types.Peer { Address = Address(client), Principal = peers.Find(client.Address, principal) ?? "" },
        Destination = new AttributeContext.Types.Peer { Address = Address(destination) },
    };

    private AttributeContext.Types.HttpRequest Http(Exchange exchange, RequestStart? body)
    {
        var request = exchange.Context.Request;
        var head = exchange.MatchedHead();
        var http = new AttributeContext.Types.HttpRequest
        {
            Id = WireText.Read(request.Headers[EnvoyHeaders.RequestId].ToString()),
            Method = head.Method.ToString(),
            Path = WireText.Read(head.Target.ToString()),
            Host = WireText.Read(head.Authority.ToString()),
            Scheme = head.Scheme.ToString(),
            Protocol = request.Protocol,
            Size = body is { IsPartial: false } ? body.Bytes.Length : request.ContentLength ?? -1,
        };
        Show(http, ":method", http.Method);
        Show(http, ":path", http.Path);
        Show(http, ":authority", http.Host);
        Show(http, ":scheme", http.Scheme);
        foreach (var (name, values) in request.Headers)
        {
            if (!name.Equals("host", StringComparison.OrdinalIgnoreCase))
            {
                Show(http, name.ToLowerInvariant(), WireText.Read(values.Count == 1 ? values.ToString() : string.Join(',', values.ToArray())));
            }
        }

        if (body is null)
        {
            return http;
        }

        http.Headers["x-envoy-auth-partial-body"] = body.IsPartial ? "true" : "false";
        if (bodyAsBytes)
        {
            http.RawBody = ByteString.CopyFrom(body.Bytes);
        }
        else
        {
            http.Body = Encoding.UTF8.GetString(body.Bytes);
        }

        return http;
    }

    private void Show(AttributeContext.Types.HttpRequest http, string name, string value)
    {
        if (headers.Includes(name))
        {
            http.Headers[name] = value;
        }
    }

    private static Address Address(IPEndPoint endpoint)
    {
        var address = endpoint.Address.IsIPv4MappedToIPv6 ? endpoint.Address.MapToIPv4() : endpoint.Address;
        return new Address { SocketAddress = new Envoy.Config.Core.V3.SocketAddress { Address = address.ToString(), PortValue = (uint)endpoint.Port } };
    }
}
