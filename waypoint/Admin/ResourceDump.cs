using System.Collections;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace Waypoint.Proxy.Admin;

/// <summary>Resources of the control plane as JSON, in protobuf's mapping.</summary>
internal static class ResourceDump
{
    // Whatever a resource may hold inside an Any and we have a schema for. Files bring the files they import.
    private static readonly TypeRegistry Types = TypeRegistry.FromFiles(
        Envoy.Config.Cluster.V3.ClusterReflection.Descriptor,
        Envoy.Config.Endpoint.V3.EndpointReflection.Descriptor,
        Envoy.Config.Listener.V3.ListenerReflection.Descriptor,
        Envoy.Config.Route.V3.RouteReflection.Descriptor,
        Envoy.Extensions.Filters.Network.HttpConnectionManager.V3.HttpConnectionManagerReflection.Descriptor,
        Envoy.Extensions.Filters.Network.TcpProxy.V3.TcpProxyReflection.Descriptor,
        Envoy.Extensions.Filters.Http.Router.V3.RouterReflection.Descriptor,
        Envoy.Extensions.Filters.Http.Fault.V3.FaultReflection.Descriptor,
        Envoy.Extensions.Filters.Http.Cors.V3.CorsReflection.Descriptor,
        Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptionsReflection.Descriptor,
        Envoy.Extensions.TransportSockets.InternalUpstream.V3.InternalUpstreamReflection.Descriptor,
        Envoy.Extensions.TransportSockets.RawBuffer.V3.RawBufferReflection.Descriptor,
        Istio.Workload.WorkloadReflection.Descriptor,
        StructReflection.Descriptor);

    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true).WithTypeRegistry(Types));

    /// <summary>The resource itself, with its <c>@type</c>.</summary>
    public static string Format(Resource resource)
    {
        var any = resource.Resource_.Clone();
        HideUnknownTypes(any);
        return Formatter.Format(any);
    }

    /// <summary>
    /// The formatter refuses an Any of a type without a schema, wherever it sits. So such a one becomes a Struct that names the type and
    /// holds its bytes.
    /// </summary>
    private static void HideUnknownTypes(Any any)
    {
        if (Types.Find(Any.GetTypeName(any.TypeUrl)) is { } type)
        {
            var message = type.Parser.ParseFrom(any.Value);
            HideUnknownTypes(message);
            any.Value = message.ToByteString();
            return;
        }

        var standIn = new Struct
        {
            Fields =
            {
                ["typeUrl"] = Value.ForString(any.TypeUrl),
                ["base64"] = Value.ForString(any.Value.ToBase64()),
            },
        };
        any.MergeFrom(Any.Pack(standIn));
    }

    private static void HideUnknownTypes(IMessage message)
    {
        if (message is Any any)
        {
            HideUnknownTypes(any);
            return;
        }

        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (field.FieldType is not (FieldType.Message or FieldType.Group))
            {
                continue;
            }

            var value = field.Accessor.GetValue(message);
            IEnumerable inner = value switch
            {
                IDictionary map => map.Values,
                IList list => list,
                null => Array.Empty<object>(),
                _ => new[] { value },
            };
            foreach (var one in inner.OfType<IMessage>())
            {
                HideUnknownTypes(one);
            }
        }
    }
}
