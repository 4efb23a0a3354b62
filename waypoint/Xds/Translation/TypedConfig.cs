using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>Opens the <c>Any</c> in which Envoy's extensions are configured.</summary>
internal static class TypedConfig
{
    /// <summary>The message's full name; of a TypedStruct the name of what it stands for.</summary>
    public static string TypeName(this Any any)
    {
        var url = any.TypeUrl;
        if (any.Is(Udpa.Type.V1.TypedStruct.Descriptor))
        {
            url = any.Unpack<Udpa.Type.V1.TypedStruct>().TypeUrl;
        }
        else if (any.Is(global::Xds.Type.V3.TypedStruct.Descriptor))
        {
            url = any.Unpack<global::Xds.Type.V3.TypedStruct>().TypeUrl;
        }

        return url[(url.LastIndexOf('/') + 1)..];
    }

    /// <exception cref="ResourceException">It holds another type, or its bytes are not of that type.</exception>
    public static T Open<T>(this Any any, TranslationScope scope, string field)
        where T : IMessage<T>, new()
    {
        try
        {
            // EnvoyFilters often bring a configuration as the JSON that a user wrote.
            return any.Is(Udpa.Type.V1.TypedStruct.Descriptor) ? FromJson<T>(any.Unpack<Udpa.Type.V1.TypedStruct>().Value)
                : any.Is(global::Xds.Type.V3.TypedStruct.Descriptor) ? FromJson<T>(any.Unpack<global::Xds.Type.V3.TypedStruct>().Value)
                : any.Unpack<T>();
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidOperationException)
        {
            throw scope.Invalid(field, $"'{any.TypeUrl}' cannot be read as {new T().Descriptor.FullName}: {e.Message}", e);
        }
    }

    private static T FromJson<T>(Struct? fields)
        where T : IMessage<T>, new() => JsonParser.Default.Parse<T>(JsonFormatter.Default.Format(fields ?? new Struct()));
}
