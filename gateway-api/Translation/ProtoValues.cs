using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Envoy.Config.Core.V3;
using CidrRange = Xds.Core.V3.CidrRange;
using XdsExtension = Xds.Core.V3.TypedExtensionConfig;

namespace Waypoint.GatewayApi.Translation;

/// <summary>The small words that Envoy's messages are made of.</summary>
internal static class ProtoValues
{
    public static Duration Zero => new();

    public static Any Pack(IMessage message) => Any.Pack(message);

    public static Duration ToDuration(this TimeSpan span) => Duration.FromTimeSpan(span);

    public static XdsExtension Extension(string name, IMessage config) => new() { Name = name, TypedConfig = Pack(config) };

    public static TransportSocket Socket(string name, IMessage config) => new() { Name = name, TypedConfig = Pack(config) };

    /// <summary>Metadata with one filter's fields.</summary>
    public static Metadata Metadata(string filter, string key, Value value)
    {
        Metadata metadata = new();
        metadata.FilterMetadata[filter] = new Struct { Fields = { [key] = value } };
        return metadata;
    }

    public static CidrRange Host(System.Net.IPAddress address) => new()
    {
        AddressPrefix = address.ToString(),
        PrefixLen = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32u : 128u,
    };
}
