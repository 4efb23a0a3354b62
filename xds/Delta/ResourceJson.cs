using System.Collections;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.AccessLoggers.File.V3;
using Envoy.Extensions.AccessLoggers.Filters.Cel.V3;
using Envoy.Extensions.AccessLoggers.Stream.V3;
using Envoy.Extensions.Filters.Http.JwtAuthn.V3;
using Envoy.Extensions.Filters.Listener.HttpInspector.V3;
using Envoy.Extensions.Filters.Listener.OriginalDst.V3;
using Envoy.Extensions.Filters.Listener.ProxyProtocol.V3;
using Envoy.Extensions.Filters.Listener.TlsInspector.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Extensions.Filters.Network.TcpProxy.V3;
using Envoy.Extensions.Matching.CommonInputs.Network.V3;
using Envoy.Extensions.Network.DnsResolver.Cares.V3;
using Envoy.Extensions.Path.Match.UriTemplate.V3;
using Envoy.Extensions.Path.Rewrite.UriTemplate.V3;
using Envoy.Extensions.RequestId.Uuid.V3;
using Envoy.Extensions.Retry.Host.PreviousHosts.V3;
using Envoy.Extensions.TransportSockets.InternalUpstream.V3;
using Envoy.Extensions.TransportSockets.ProxyProtocol.V3;
using Envoy.Extensions.TransportSockets.RawBuffer.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace Waypoint.Xds.Delta;

/// <summary>Resources as JSON, for dumps and for reading what another control plane has dumped.</summary>
public static class ResourceJson
{
    /// <summary>The files of every message that a resource may carry inside an Any, as far as there is a proto of it.</summary>
    public static IReadOnlyList<FileDescriptor> Files { get; } =
    [
        ListenerReflection.Descriptor, RouteReflection.Descriptor, ClusterReflection.Descriptor, EndpointReflection.Descriptor,
        Istio.Workload.WorkloadReflection.Descriptor, Istio.Security.AuthorizationReflection.Descriptor, Istio.Stats.ConfigReflection.Descriptor,
        HttpConnectionManagerReflection.Descriptor, TcpProxyReflection.Descriptor,
        Envoy.Extensions.Filters.Network.Rbac.V3.RbacReflection.Descriptor,
        Envoy.Extensions.Filters.Network.SetFilterState.V3.SetFilterStateReflection.Descriptor,
        Envoy.Extensions.Filters.Http.Cors.V3.CorsReflection.Descriptor, Envoy.Extensions.Filters.Http.Fault.V3.FaultReflection.Descriptor,
        Envoy.Extensions.Filters.Http.ExtAuthz.V3.ExtAuthzReflection.Descriptor, Envoy.Extensions.Filters.Network.ExtAuthz.V3.ExtAuthzReflection.Descriptor,
        Envoy.Extensions.Filters.Http.LocalRatelimit.V3.LocalRateLimitReflection.Descriptor,
        Envoy.Extensions.Filters.Http.GrpcStats.V3.ConfigReflection.Descriptor, ConfigReflection.Descriptor,
        Envoy.Extensions.Filters.Http.Rbac.V3.RbacReflection.Descriptor, Envoy.Extensions.Filters.Http.Router.V3.RouterReflection.Descriptor, Envoy.Config.Trace.V3.OpentelemetryReflection.Descriptor,
        Envoy.Extensions.Filters.Http.SetFilterState.V3.SetFilterStateReflection.Descriptor, HttpInspectorReflection.Descriptor,
        TlsInspectorReflection.Descriptor, OriginalDstReflection.Descriptor, ProxyProtocolReflection.Descriptor, FileReflection.Descriptor, StreamReflection.Descriptor,
        CelReflection.Descriptor, NetworkInputsReflection.Descriptor, CaresDnsResolverReflection.Descriptor, UriTemplateMatchReflection.Descriptor,
        UriTemplateRewriteReflection.Descriptor, UuidReflection.Descriptor, PreviousHostsReflection.Descriptor, InternalUpstreamReflection.Descriptor,
        RawBufferReflection.Descriptor, UpstreamProxyProtocolReflection.Descriptor, TlsReflection.Descriptor, SecretReflection.Descriptor,
        Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptionsReflection.Descriptor, Udpa.Type.V1.TypedStructReflection.Descriptor,
        global::Xds.Type.V3.TypedStructReflection.Descriptor, global::Xds.Type.Matcher.V3.IpReflection.Descriptor, WrappersReflection.Descriptor, StructReflection.Descriptor,
    ];

    /// <summary>The messages of <see cref="Files"/>, by name.</summary>
    public static TypeRegistry Types { get; } = TypeRegistry.FromFiles(Files);

    private static readonly JsonFormatter Formatter = new(new JsonFormatter.Settings(formatDefaultValues: false, Types));

    /// <summary>Writes a message as JSON, in protobuf's mapping. An Any of an unknown type is told by its name and its length.</summary>
    public static string Format<T>(T message)
        where T : IMessage<T>, IDeepCloneable<T>
    {
        var copy = message.Clone();
        ReplaceUnknown(copy);
        return Formatter.Format(copy);
    }

    private static bool ReplaceUnknown(IMessage message)
    {
        if (message is Any any)
        {
            return ReplaceUnknown(any);
        }

        var replaced = false;
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (field.FieldType != FieldType.Message)
            {
                continue;
            }

            IEnumerable values = field.Accessor.GetValue(message) switch
            {
                null => Array.Empty<IMessage>(),
                IDictionary map => map.Values,
                IList list => list,
                var value => new[] { value },
            };
            foreach (var inner in values.OfType<IMessage>())
            {
                replaced |= ReplaceUnknown(inner);
            }
        }

        return replaced;
    }

    private static bool ReplaceUnknown(Any any)
    {
        var name = Any.GetTypeName(any.TypeUrl);
        try
        {
            if (Types.Find(name) is { } descriptor)
            {
                var inner = descriptor.Parser.ParseFrom(any.Value);
                if (!ReplaceUnknown(inner))
                {
                    return false;
                }

                any.Value = inner.ToByteString();
                return true;
            }
        }
        catch (InvalidProtocolBufferException)
        {
            name = $"malformed {name}";
        }

        var told = Any.Pack(new StringValue { Value = $"{name}, {any.Value.Length} bytes" });
        any.TypeUrl = told.TypeUrl;
        any.Value = told.Value;
        return true;
    }
}
