using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.InternalUpstream.V3;
using Envoy.Extensions.TransportSockets.RawBuffer.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.Tls;
using Wire = Envoy.Config.Cluster.V3;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>How the endpoints of a cluster are spoken to.</summary>
/// <param name="Tls">With these settings; null is plainly.</param>
/// <param name="LeavesSidecarsOut">Endpoints that want a sidecar's mutual TLS (metadata <c>tlsMode: istio</c>) are not used.</param>
/// <param name="Unusable">Why no endpoint may be used; null when they may.</param>
internal sealed record Transport(UpstreamTls? Tls, bool LeavesSidecarsOut, string? Unusable);

/// <summary>
/// A cluster's <c>transport_socket</c> and <c>transport_socket_matches</c>. By the latter istiod says how to speak to endpoints through a tunnel,
/// to sidecars, and to all others. A tunnel is begun by the endpoint's address (<see cref="LoadBalancing.Endpoint.WantsTunnel"/>), so its entry
/// need only say the same of what is inside as the entry for all others. To speak plainly where TLS was asked for would give the traffic
/// away: a cluster that asks for what is not known has no usable endpoint.
/// </summary>
internal sealed class TransportTranslator(SecretStore secrets)
{
    private readonly UpstreamTlsTranslator _tls = new(secrets);

    public Transport Translate(Wire.Cluster cluster, UpstreamHttpProtocolOptions? options, TranslationScope scope)
    {
        var socket = Inner(cluster.TransportSocket, scope);
        var leavesSidecarsOut = false;
        var isKnown = true;
        if (cluster.TransportSocketMatches.Count > 0)
        {
            // The first match counts, and one without conditions is met by all.
            socket = Inner(cluster.TransportSocketMatches.FirstOrDefault(match => Conditions(match).Length == 0)?.TransportSocket ?? cluster.TransportSocket, scope);
            foreach (var match in cluster.TransportSocketMatches)
            {
                switch (Conditions(match))
                {
                    case []:
                    case [("tunnel", "http")] when IsSame(Inner(match.TransportSocket, scope), socket):
                        break;
                    case [("tlsMode", "istio")]:
                        leavesSidecarsOut = true;
                        break;
                    default:
                        isKnown = false;
                        break;
                }
            }
        }

        if (!isKnown)
        {
            return new Transport(null, leavesSidecarsOut, Refuse("transport_socket_matches", scope));
        }

        using var part = scope.Enter("transport_socket");
        if (IsPlain(socket))
        {
            return new Transport(null, leavesSidecarsOut, null);
        }

        if (!socket!.Is(UpstreamTlsContext.Descriptor))
        {
            return new Transport(null, leavesSidecarsOut, Refuse(socket.TypeName(), scope));
        }

        var tls = _tls.Translate(socket.Open<UpstreamTlsContext>(scope, "typed_config"), options, scope, out var missing);
        return new Transport(tls, leavesSidecarsOut, missing is null ? null : Refuse(missing, scope));
    }

    private static (string Name, string Value)[] Conditions(Wire.Cluster.Types.TransportSocketMatch match) =>
        [.. (match.Match ?? new Struct()).Fields.Select(field => (field.Key, field.Value.StringValue))];

    /// <summary>What is spoken inside of Envoy's own internal connections; null is plainly.</summary>
    private static Any? Inner(TransportSocket? socket, TranslationScope scope)
    {
        while (socket?.TypedConfig is { } config && config.Is(InternalUpstreamTransport.Descriptor))
        {
            socket = config.Open<InternalUpstreamTransport>(scope, "typed_config").TransportSocket;
        }

        return socket?.TypedConfig;
    }

    private static bool IsPlain(Any? socket) => socket is null || socket.Is(RawBuffer.Descriptor);

    private static bool IsSame(Any? one, Any? other) => (IsPlain(one) && IsPlain(other)) || Equals(one, other);

    private static string Refuse(string feature, TranslationScope scope)
    {
        scope.Unsupported(feature);
        return $"{feature}: not supported";
    }
}
