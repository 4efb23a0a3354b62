using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Text;
using Waypoint.Proxy.Forwarding;

namespace Waypoint.Proxy.Telemetry;

/// <summary>
/// Istio's default access-log line, byte for byte:
/// <c>[START_TIME] "METHOD PATH PROTOCOL" CODE FLAGS CODE_DETAILS CONNECTION_TERMINATION_DETAILS "UPSTREAM_TRANSPORT_FAILURE_REASON"
/// BYTES_RECEIVED BYTES_SENT DURATION UPSTREAM_SERVICE_TIME "X-FORWARDED-FOR" "USER-AGENT" "X-REQUEST-ID" "AUTHORITY" "UPSTREAM_HOST"
/// UPSTREAM_CLUSTER UPSTREAM_LOCAL_ADDRESS DOWNSTREAM_LOCAL_ADDRESS DOWNSTREAM_REMOTE_ADDRESS REQUESTED_SERVER_NAME ROUTE_NAME</c>.
/// What is not known is <c>-</c>; that is always so for the address that we spoke to the backend from, which the client library does not tell.
/// </summary>
internal static class AccessLogLine
{
    public static void Write(Exchange exchange, IBufferWriter<byte> output)
    {
        var request = exchange.Context.Request;
        var headers = request.Headers;
        var line = new Line(output);
        line.Bytes("["u8);
        line.Format(exchange.StartedAt, "yyyy-MM-ddTHH:mm:ss.fff");
        line.Bytes("Z] \""u8);
        line.Text(request.Method);
        line.Bytes(" "u8);
        line.Text(exchange.RawTarget);
        line.Bytes(" "u8);
        line.Text(request.Protocol);
        line.Bytes("\" "u8);
        line.Format(exchange.Status);
        line.Bytes(" "u8);
        line.Text(exchange.Flags.ToShortNames());
        line.Bytes(" "u8);
        line.Text(exchange.Details);
        line.Bytes(" - \""u8);
        line.Text(exchange.TransportFailure);
        line.Bytes("\" "u8);
        line.Format(exchange.BytesReceived);
        line.Bytes(" "u8);
        line.Format(exchange.BytesSent);
        line.Bytes(" "u8);
        line.Format((long)Stopwatch.GetElapsedTime(exchange.StartedTimestamp).TotalMilliseconds);
        line.Bytes(" "u8);
        if (exchange.UpstreamServiceTime is { } serviceTime)
        {
            line.Format((long)serviceTime.TotalMilliseconds);
        }
        else
        {
            line.Bytes("-"u8);
        }

        line.Bytes(" \""u8);
        line.Text(headers["x-forwarded-for"]);
        line.Bytes("\" \""u8);
        line.Text(headers.UserAgent);
        line.Bytes("\" \""u8);
        line.Text(headers[EnvoyHeaders.RequestId]);
        line.Bytes("\" \""u8);
        line.Text(headers.Host);
        line.Bytes("\" \""u8);
        line.Address(exchange.Endpoint?.Address);
        line.Bytes("\" "u8);
        line.Text(exchange.Cluster?.Name);
        line.Bytes(" - "u8);
        line.Address(exchange.Destination.Original);
        line.Bytes(" "u8);
        line.Address(exchange.Destination.Client);
        line.Bytes(" - "u8);
        line.Text(exchange.Route?.Name);
        line.Bytes("\n"u8);
    }

    private readonly ref struct Line(IBufferWriter<byte> output)
    {
        public void Bytes(ReadOnlySpan<byte> bytes) => output.Write(bytes);

        /// <summary>Header values are held as Latin-1, so this writes the bytes that came.</summary>
        public void Text(string? text)
        {
            if (string.IsNullOrEmpty(text))
            {
                output.Write("-"u8);
                return;
            }

            output.Advance(Encoding.Latin1.GetBytes(text, output.GetSpan(text.Length)));
        }

        public void Format<T>(T value, ReadOnlySpan<char> format = default)
            where T : IUtf8SpanFormattable
        {
            // No number and no time of ours is longer.
            value.TryFormat(output.GetSpan(32), out var written, format, null);
            output.Advance(written);
        }

        public void Address(IPEndPoint? address)
        {
            if (address is null)
            {
                output.Write("-"u8);
                return;
            }

            var ip = address.Address.IsIPv4MappedToIPv6 ? address.Address.MapToIPv4() : address.Address;
            var isV6 = ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
            var span = output.GetSpan(80);
            var length = 0;
            if (isV6)
            {
                span[length++] = (byte)'[';
            }

            ip.TryFormat(span[length..], out var written);
            length += written;
            if (isV6)
            {
                span[length++] = (byte)']';
            }

            span[length++] = (byte)':';
            address.Port.TryFormat(span[length..], out written);
            output.Advance(length + written);
        }
    }
}
