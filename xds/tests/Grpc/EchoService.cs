using System.Net;
using System.Net.Security;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Tests.Grpc;

/// <summary>A server with a method of each kind. A message says what is to be done with it.</summary>
internal static class EchoService
{
    public const string Name = "test.Echo";

    public static readonly GrpcMethod<BytesValue, BytesValue> Unary = Method("Unary");
    public static readonly GrpcMethod<BytesValue, BytesValue> Upload = Method("Upload");
    public static readonly GrpcMethod<BytesValue, BytesValue> Download = Method("Download");
    public static readonly GrpcMethod<BytesValue, BytesValue> Chat = Method("Chat");

    public static Task<GrpcServer> StartAsync(SslServerAuthenticationOptions? tls = null, Action<GrpcServices>? more = null)
    {
        var services = new GrpcServices(NullLogger.Instance);
        services.AddUnary(Unary, async (request, call) =>
        {
            switch (request.Value.ToStringUtf8())
            {
                case "fail":
                    call.Trailers.Add("reason", "asked for");
                    call.Trailers.AddBinary("detail-bin", [0, 1, 2, 255]);
                    throw new GrpcException(GrpcStatusCode.FailedPrecondition, "naïve 100%\nfailure");
                case "fail late":
                    await call.WriteHeadersAsync();
                    throw new GrpcException(GrpcStatusCode.Aborted, "late");
                case "crash":
                    throw new InvalidOperationException("not for the client's eyes");
                case "headers":
                    return Bytes(string.Join(",", call.Headers.Where(header => header.Key.StartsWith("x-", StringComparison.Ordinal) || header.Key == "authorization")
                        .Select(header => $"{header.Key}={header.Value}")));
                case "wait":
                    await Task.Delay(Timeout.Infinite, call.Cancellation);
                    break;
            }

            call.Trailers.Add("length", $"{request.Value.Length}");
            return request;
        });
        services.Add(Upload, async call =>
        {
            var total = 0L;
            while (await call.ReadAsync() is { } part)
            {
                total += part.Value.Length;
            }

            await call.WriteAsync(Bytes($"{total}"));
        });
        services.AddServerStreaming(Download, async (request, call) =>
        {
            for (var i = 0; i < int.Parse(request.Value.ToStringUtf8(), System.Globalization.CultureInfo.InvariantCulture); i++)
            {
                await call.WriteAsync(Bytes($"{i}"));
            }
        });
        services.Add(Chat, async call =>
        {
            while (await call.ReadAsync() is { } message)
            {
                await call.WriteAsync(message);
            }
        });
        more?.Invoke(services);
        return GrpcServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), services, NullLoggerFactory.Instance, tls);
    }

    public static BytesValue Bytes(string text) => new() { Value = ByteString.CopyFromUtf8(text) };

    private static GrpcMethod<BytesValue, BytesValue> Method(string name) => new(Name, name, BytesValue.Parser, BytesValue.Parser);
}
