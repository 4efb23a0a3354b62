using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Waypoint.Xds.Grpc;

/// <summary>Writes a call's status: as trailers, or in the headers when nothing has been sent yet ("trailers-only").</summary>
internal static class CallStatus
{
    public static void Write(HttpResponse response, GrpcStatus status, GrpcMetadata? trailers = null)
    {
        var code = ((int)status.Code).ToString(CultureInfo.InvariantCulture);
        Append("grpc-status", code);
        if (status.Detail.Length > 0)
        {
            Append("grpc-message", StatusMessage.Encode(status.Detail));
        }

        foreach (var (name, value) in trailers ?? GrpcMetadata.Empty)
        {
            Append(name, value);
        }

        void Append(string name, string value)
        {
            if (response.HasStarted)
            {
                response.AppendTrailer(name, value);
            }
            else
            {
                response.Headers.Append(name, value);
            }
        }
    }
}
