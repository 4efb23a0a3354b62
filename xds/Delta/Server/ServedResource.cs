using System.Security.Cryptography;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Waypoint.Xds.Delta.Server;

/// <summary>
/// A resource as it is served: serialised once, shared by all clients. Its version is a hash of its bytes, so that it stays the same over a
/// restart of the control plane and a client that comes back is sent nothing it has.
/// </summary>
public sealed class ServedResource
{
    private ServedResource(string typeUrl, Resource message)
    {
        TypeUrl = typeUrl;
        Message = message;
    }

    public string TypeUrl { get; }

    public string Name => Message.Name;

    public string Version => Message.Version;

    /// <summary>Other names under which it can be asked for.</summary>
    public IReadOnlyList<string> Aliases => Message.Aliases;

    /// <summary>The resource's own bytes.</summary>
    public ByteString Body => Message.Resource_.Value;

    internal Resource Message { get; }

    public static ServedResource Create(string name, IMessage message, params IEnumerable<string> aliases)
        => Create(name, ResourceTypes.UrlOf(message.Descriptor), message.ToByteString(), aliases);

    /// <summary>A resource whose bytes are there already, put together from parts.</summary>
    public static ServedResource Create(string name, string typeUrl, ByteString body, params IEnumerable<string> aliases)
    {
        var version = Convert.ToHexStringLower(SHA256.HashData(body.Span).AsSpan(0, 8));
        var resource = new Resource { Name = name, Version = version, Resource_ = new Any { TypeUrl = typeUrl, Value = body } };
        resource.Aliases.Add(aliases);
        return new ServedResource(typeUrl, resource);
    }
}
