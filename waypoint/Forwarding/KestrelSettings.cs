using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Waypoint.Proxy.Forwarding;

/// <summary>What Kestrel must be told so that it carries other people's HTTP instead of serving its own.</summary>
internal static class KestrelSettings
{
    /// <summary>Envoy's default for the size of a request head, in bytes.</summary>
    private const int MaxRequestHeadBytes = 60 * 1024;

    /// <summary>
    /// Kestrel takes a bare LF for a line end unless told otherwise; two readers that disagree about
    /// line ends are how requests are smuggled (RFC 9112 section 2.2). Read once, when Kestrel starts.
    /// </summary>
    private const string RejectBareLineFeeds = "Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators";

    public static void Apply(KestrelServerOptions options)
    {
        AppContext.SetSwitch(RejectBareLineFeeds, true);

        options.AddServerHeader = false;
        options.AllowSynchronousIO = false;

        // Header bytes above 0x7F pass unchanged in both directions: Latin-1 maps each byte to one char and back.
        options.RequestHeaderEncodingSelector = static _ => Encoding.Latin1;
        options.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;

        // The size and pace of a body are the business of client and backend; ours is back-pressure.
        options.Limits.MaxRequestBodySize = null;
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.MinResponseDataRate = null;

        options.Limits.MaxRequestHeadersTotalSize = MaxRequestHeadBytes;
        options.Limits.MaxRequestLineSize = MaxRequestHeadBytes;
        options.Limits.MaxRequestHeaderCount = 100;

        // Envoy's idle timeout for a downstream connection.
        options.Limits.KeepAliveTimeout = TimeSpan.FromHours(1);
        options.Limits.Http2.MaxRequestHeaderFieldSize = MaxRequestHeadBytes;
        options.Limits.Http2.MaxStreamsPerConnection = 1000;
    }
}
