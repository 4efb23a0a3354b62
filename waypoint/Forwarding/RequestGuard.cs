using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Waypoint.Proxy.Telemetry;

namespace Waypoint.Proxy.Forwarding;

/// <summary>Requests that no route gets to see, because two readers could disagree about them or because nothing here can carry them.</summary>
internal static class RequestGuard
{
    /// <summary>Kestrel renames <c>Content-Length</c> to this when <c>Transfer-Encoding</c> stands beside it.</summary>
    private const string RenamedContentLength = "X-Content-Length";

    /// <summary>Answers a request that must go no further; null when it may.</summary>
    public static Task? Refuse(Exchange exchange)
    {
        var request = exchange.Context.Request;
        var headers = request.Headers;
        if (headers.ContainsKey(HeaderNames.TransferEncoding))
        {
            // RFC 9112 section 6.1: both together ought to be handled as an error, and so does any Transfer-Encoding from HTTP/1.0.
            if (headers.ContainsKey(RenamedContentLength))
            {
                return BadRequest(exchange, "http1.content_length_and_chunked_not_allowed");
            }

            if (HttpProtocol.IsHttp10(request.Protocol))
            {
                return BadRequest(exchange, "http1.transfer_encoding_not_allowed");
            }
        }

        if (exchange.RawTarget is "*")
        {
            // Envoy's answer too. The client stack below YARP has no way to say "*".
            return LocalReply.SendAsync(exchange, StatusCodes.Status404NotFound, "", ResponseFlags.None, "absolute_path_rejected");
        }

        // RFC 9112 section 3.2: a target has no fragment. What comes after a '#' one reader takes for part of the path and another does not.
        if (exchange.RawTarget.Contains('#'))
        {
            return BadRequest(exchange, "path_normalization_failed");
        }

        if (exchange.Chain!.RejectsEscapedSlashes && HasEscapedSlash(exchange.RawTarget))
        {
            return BadRequest(exchange, "path_normalization_failed");
        }

        return RequestedUpgrade(exchange) is { } upgrade && !exchange.Chain!.Upgrades.Contains(upgrade)
            ? LocalReply.SendAsync(exchange, StatusCodes.Status403Forbidden, "", ResponseFlags.None, "upgrade_failed", close: true)
            : null;
    }

    private static bool HasEscapedSlash(ReadOnlySpan<char> target)
    {
        var question = target.IndexOf('?');
        var path = question < 0 ? target : target[..question];
        return path.Contains("%2F", StringComparison.OrdinalIgnoreCase) || path.Contains("%5C", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The protocol that the client wants instead of HTTP; null when it wants none, or one that may be left out (h2c).</summary>
    private static string? RequestedUpgrade(Exchange exchange)
    {
        var request = exchange.Context.Request;
        if (HttpMethods.IsConnect(request.Method))
        {
            return exchange.Context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true, Protocol: { } protocol }
                ? protocol
                : "CONNECT";
        }

        var upgrade = request.Headers.Upgrade;
        return upgrade.Count == 0
            || exchange.Context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true }
            || string.Equals(upgrade.ToString(), "h2c", StringComparison.OrdinalIgnoreCase)
                ? null
                : upgrade.ToString();
    }

    private static Task BadRequest(Exchange exchange, string details) =>
        LocalReply.SendAsync(exchange, StatusCodes.Status400BadRequest, "Bad Request", ResponseFlags.DownstreamProtocolError, details, close: true);
}
