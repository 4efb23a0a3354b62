using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace Waypoint.Xds.Grpc;

/// <summary>How a call ended, read from its response or from what broke it.</summary>
internal static class ResponseStatus
{
    // RFC 9113 section 7.
    private const long RefusedStream = 0x7;
    private const long Cancel = 0x8;
    private const long EnhanceYourCalm = 0xb;
    private const long InadequateSecurity = 0xc;

    /// <summary>Throws when the response is not gRPC's at all, an answer of some proxy on the way for one.</summary>
    public static void Check(HttpResponseMessage response)
    {
        if (response.StatusCode == HttpStatusCode.OK && IsGrpc(response.Content.Headers))
        {
            return;
        }

        using (response)
        {
            throw new GrpcException(Find(response.Headers) ?? (response.StatusCode == HttpStatusCode.OK
                ? new GrpcStatus(GrpcStatusCode.Unknown, $"the answer's content-type is {response.Content.Headers.ContentType?.ToString() ?? "missing"}")
                : new GrpcStatus(Of(response.StatusCode), $"the answer has the HTTP status {(int)response.StatusCode}")));
        }
    }

    /// <summary>Reads how a response ended that has been read to its end; a trailers-only one carries its trailers in its headers.</summary>
    public static (GrpcStatus Status, GrpcMetadata Trailers) Read(HttpResponseMessage response)
        => Find(response.TrailingHeaders) is { } status ? (status, GrpcMetadata.From(response.TrailingHeaders))
            : Find(response.Headers) is { } early ? (early, GrpcMetadata.From(response.Headers))
            : (new GrpcStatus(GrpcStatusCode.Internal, "the answer ended without a grpc-status"), GrpcMetadata.Empty);

    public static GrpcStatus Of(Exception exception) => exception switch
    {
        GrpcException e => e.Status,
        HttpRequestException { InnerException: HttpProtocolException e } => Of(e),
        HttpProtocolException e => Of(e),
        HttpRequestException { InnerException: HttpIOException { InnerException: HttpProtocolException e } } => Of(e),
        HttpIOException { InnerException: HttpProtocolException e } => Of(e),
        _ => new GrpcStatus(GrpcStatusCode.Unavailable, Reason(exception)),
    };

    private static GrpcStatus Of(HttpProtocolException exception) => new(exception.ErrorCode switch
    {
        RefusedStream => GrpcStatusCode.Unavailable,
        Cancel => GrpcStatusCode.Cancelled,
        EnhanceYourCalm => GrpcStatusCode.ResourceExhausted,
        InadequateSecurity => GrpcStatusCode.PermissionDenied,
        0 => GrpcStatusCode.Unavailable,
        _ => GrpcStatusCode.Internal,
    }, Reason(exception));

    private static GrpcStatusCode Of(HttpStatusCode status) => status switch
    {
        HttpStatusCode.BadRequest => GrpcStatusCode.Internal,
        HttpStatusCode.Unauthorized => GrpcStatusCode.Unauthenticated,
        HttpStatusCode.Forbidden => GrpcStatusCode.PermissionDenied,
        HttpStatusCode.NotFound => GrpcStatusCode.Unimplemented,
        HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
            => GrpcStatusCode.Unavailable,
        _ => GrpcStatusCode.Unknown,
    };

    private static GrpcStatus? Find(HttpHeaders headers)
    {
        if (!headers.NonValidated.TryGetValues("grpc-status", out var code))
        {
            return null;
        }

        var detail = headers.NonValidated.TryGetValues("grpc-message", out var message) ? StatusMessage.Decode(message.ToString()) : "";
        return int.TryParse(code.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 0 and <= 16
            ? new GrpcStatus((GrpcStatusCode)number, detail)
            : new GrpcStatus(GrpcStatusCode.Unknown, $"grpc-status {code}: {detail}");
    }

    private static bool IsGrpc(HttpContentHeaders headers)
        => headers.NonValidated.TryGetValues("content-type", out var type) && GrpcContentType.Is(type.ToString());

    /// <summary>The innermost message names the socket's error; the outer ones say that something failed.</summary>
    private static string Reason(Exception exception) => exception.GetBaseException().Message;
}
