using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace Waypoint.Proxy.Hbone.Inbound;

/// <summary>A CONNECT that was answered with 200: its bodies are the tunnel.</summary>
internal sealed class InboundStream(HttpContext context) : ITunnelStream
{
    // RFC 9113, section 8.5: the TCP connection was reset.
    private const int ConnectError = 0xa;

    public PipeReader Input { get; } = context.Request.BodyReader;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        var result = await context.Response.BodyWriter.WriteAsync(bytes).ConfigureAwait(false);
        if (result.IsCompleted || context.RequestAborted.IsCancellationRequested)
        {
            throw new IOException("The peer reset the stream.");
        }
    }

    public async ValueTask EndAsync() => await context.Response.CompleteAsync().ConfigureAwait(false);

    public void Reset() => context.Features.GetRequiredFeature<IHttpResetFeature>().Reset(ConnectError);
}
