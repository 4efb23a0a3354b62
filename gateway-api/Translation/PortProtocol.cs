using Waypoint.GatewayApi.Model;
using Wds = Istio.Workload;

namespace Waypoint.GatewayApi.Translation;

/// <summary>What a service port carries. <see cref="Unknown"/> is found out from each connection's first bytes.</summary>
internal enum PortProtocol
{
    Unknown,
    Http,
    Http2,
    Grpc,
    GrpcWeb,
    Tcp,
    Tls,
    Https,
    Database,
    Udp,
}

/// <summary>Istio's rules for reading a port's protocol off its appProtocol, else its name's prefix, else its number.</summary>
internal static class PortProtocols
{
    public static PortProtocol Of(ServicePort port)
    {
        if (port.Protocol != TransportProtocol.Tcp)
        {
            return PortProtocol.Udp;
        }

        PortProtocol named = port.AppProtocol switch
        {
            "kubernetes.io/h2c" => PortProtocol.Http2,
            "kubernetes.io/ws" => PortProtocol.Http,
            "kubernetes.io/wss" => PortProtocol.Https,
            { } word => Parse(word),
            null => Parse(port.Name),
        };
        if (named != PortProtocol.Unknown)
        {
            return named;
        }

        // Ports of protocols in which the server speaks first: sniffing them would only cost a time-out.
        return port.Port is 25 or 53 or 3306 or 27017 ? PortProtocol.Tcp : PortProtocol.Unknown;
    }

    /// <summary>Whether connections to the port may carry HTTP.</summary>
    public static bool MayBeHttp(this PortProtocol protocol) => protocol == PortProtocol.Unknown || protocol.IsHttp();

    /// <summary>Whether connections to the port may carry something else.</summary>
    public static bool MayBeTcp(this PortProtocol protocol) => protocol == PortProtocol.Unknown || protocol.IsTcp();

    public static bool IsHttp(this PortProtocol protocol) =>
        protocol is PortProtocol.Http or PortProtocol.Http2 or PortProtocol.Grpc or PortProtocol.GrpcWeb;

    /// <summary>Whether the port's HTTP is HTTP/2 from the first byte.</summary>
    public static bool IsHttp2(this PortProtocol protocol) =>
        protocol is PortProtocol.Http2 or PortProtocol.Grpc or PortProtocol.GrpcWeb;

    public static bool IsTcp(this PortProtocol protocol) =>
        protocol is PortProtocol.Tcp or PortProtocol.Tls or PortProtocol.Https or PortProtocol.Database;

    public static Wds.AppProtocol ToWds(this PortProtocol protocol) => protocol switch
    {
        PortProtocol.Http => Wds.AppProtocol.Http11,
        PortProtocol.Http2 => Wds.AppProtocol.Http2,
        PortProtocol.Grpc => Wds.AppProtocol.Grpc,
        PortProtocol.Tcp => Wds.AppProtocol.Tcp,
        PortProtocol.Tls or PortProtocol.Https => Wds.AppProtocol.Tls,
        _ => Wds.AppProtocol.Unknown,
    };

    private static PortProtocol Parse(string name)
    {
        if (name.StartsWith("grpc-web", StringComparison.OrdinalIgnoreCase))
        {
            return PortProtocol.GrpcWeb;
        }

        int dash = name.IndexOf('-', StringComparison.Ordinal);
        return (dash < 0 ? name : name[..dash]).ToUpperInvariant() switch
        {
            "HTTP" => PortProtocol.Http,
            "HTTP2" => PortProtocol.Http2,
            "GRPC" => PortProtocol.Grpc,
            "TCP" => PortProtocol.Tcp,
            "TLS" => PortProtocol.Tls,
            "HTTPS" => PortProtocol.Https,
            "MYSQL" or "REDIS" or "MONGO" => PortProtocol.Database,
            _ => PortProtocol.Unknown,
        };
    }
}
