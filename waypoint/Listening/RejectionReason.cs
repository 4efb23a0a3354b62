namespace Waypoint.Proxy.Listening;

/// <summary>Why a connection was closed by us. One name for the log and the metric label alike (<see cref="RejectionReasons.Label"/>).</summary>
internal enum RejectionReason
{
    /// <summary>Neither the SYN nor a PROXY header says where the connection wanted to go.</summary>
    NoDestination,

    /// <summary>The configuration serves nothing at the destination.</summary>
    UnknownDestination,

    /// <summary>The destination is this waypoint itself: forwarding would be a loop.</summary>
    OwnAddress,

    /// <summary>The port is declared HTTP and the bytes are not.</summary>
    NotHttp,

    /// <summary>The connection ended or fell silent inside a PROXY header.</summary>
    ProxyHeaderTruncated,

    /// <summary>A PROXY header longer than is accepted.</summary>
    ProxyHeaderTooLong,

    /// <summary>A version 2 header of another version.</summary>
    ProxyHeaderVersion,

    /// <summary>A version 2 command that is neither LOCAL nor PROXY.</summary>
    ProxyHeaderCommand,

    /// <summary>An address family or transport that is not TCP.</summary>
    ProxyHeaderFamily,

    /// <summary>A version 2 header too short for its addresses.</summary>
    ProxyHeaderLength,

    /// <summary>A version 2 type-length-value that does not fit, or one twice.</summary>
    ProxyHeaderTlv,

    /// <summary>A version 2 CRC32c that does not match.</summary>
    ProxyHeaderChecksum,

    /// <summary>A version 1 line that is not as the protocol says.</summary>
    ProxyHeaderSyntax,

    /// <summary>The TCP route has no cluster to send to, or the cluster has no endpoint.</summary>
    NoEndpoint,

    /// <summary>No endpoint accepted the connection.</summary>
    ConnectFailure,

    /// <summary>A filter of the TCP chain does not let the client pass.</summary>
    AccessDenied,
}

internal static class RejectionReasons
{
    public static IReadOnlyList<RejectionReason> All { get; } = Enum.GetValues<RejectionReason>();

    /// <summary>The value of the metric's <c>reason</c> label.</summary>
    public static string Label(this RejectionReason reason) => reason switch
    {
        RejectionReason.NoDestination => "no_destination",
        RejectionReason.UnknownDestination => "unknown_destination",
        RejectionReason.OwnAddress => "own_address",
        RejectionReason.NotHttp => "not_http",
        RejectionReason.ProxyHeaderTruncated => "proxy_header_truncated",
        RejectionReason.ProxyHeaderTooLong => "proxy_header_too_long",
        RejectionReason.ProxyHeaderVersion => "proxy_header_version",
        RejectionReason.ProxyHeaderCommand => "proxy_header_command",
        RejectionReason.ProxyHeaderFamily => "proxy_header_family",
        RejectionReason.ProxyHeaderLength => "proxy_header_length",
        RejectionReason.ProxyHeaderTlv => "proxy_header_tlv",
        RejectionReason.ProxyHeaderChecksum => "proxy_header_checksum",
        RejectionReason.ProxyHeaderSyntax => "proxy_header_syntax",
        RejectionReason.NoEndpoint => "no_endpoint",
        RejectionReason.ConnectFailure => "connect_failure",
        RejectionReason.AccessDenied => "access_denied",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, null),
    };
}
