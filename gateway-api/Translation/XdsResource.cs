using System.Security.Cryptography;
using Google.Protobuf;

namespace Waypoint.GatewayApi.Translation;

/// <summary>A finished resource: its bytes, and a version that two equal resources share.</summary>
internal sealed record XdsResource(string Name, string TypeUrl, ByteString Body, string Version)
{
    public static XdsResource Of(string name, string typeUrl, IMessage message)
    {
        ByteString body = message.ToByteString();
        return new XdsResource(name, typeUrl, body, Hash(body.Span));
    }

    public static string Hash(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return Convert.ToHexStringLower(hash[..8]);
    }
}

internal static class TypeUrls
{
    public const string Prefix = "type.googleapis.com/";
    public const string Listener = Prefix + "envoy.config.listener.v3.Listener";
    public const string Cluster = Prefix + "envoy.config.cluster.v3.Cluster";
    public const string Endpoints = Prefix + "envoy.config.endpoint.v3.ClusterLoadAssignment";
    public const string Address = Prefix + "istio.workload.Address";
    public const string Workload = Prefix + "istio.workload.Workload";
}
