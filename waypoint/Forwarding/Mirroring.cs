using System.Net;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Forwarding;

/// <summary>
/// Sends copies of requests to mirrors. A copy never delays, fails or outlives by much the request it copies; its answer is
/// thrown away. When too many are under way, further ones are not made.
/// </summary>
internal sealed class Mirroring(UpstreamClients clients)
{
    /// <summary>Copies under way at one time.</summary>
    private const int MaxCopies = 1024;

    /// <summary>For a route that has no limit of its own: nobody waits for a copy, so nobody would miss it either.</summary>
    private static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(60);

    private static readonly UriCreationOptions AsIs = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private int _underWay;
    private long _dropped;

    /// <summary>Copies that were not made because <see cref="MaxCopies"/> were under way.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Chooses the mirrors that get a copy of this request.</summary>
    public static MirrorCopies Choose(IReadOnlyList<Mirror> mirrors, Exchange exchange)
    {
        if (mirrors.Count == 0)
        {
            return default;
        }

        List<(ClusterSlot, MirrorBody?)> chosen = [];
        var hasBody = UpstreamRequest.HasBody(exchange.Context);
        foreach (var mirror in mirrors)
        {
            if ((uint)Random.Shared.NextInt64(mirror.Denominator) < mirror.Numerator)
            {
                chosen.Add((mirror.Cluster, hasBody ? new MirrorBody() : null));
            }
        }

        return new MirrorCopies(chosen);
    }

    /// <summary>Starts the copies: their heads are made now, from the request as it is; their bodies follow it.</summary>
    public void Send(MirrorCopies copies, Exchange exchange, string target)
    {
        foreach (var (slot, body) in copies.Targets)
        {
            if (slot.Current is not { } cluster || cluster.Pick(new PickContext { OriginalDestination = exchange.Destination.Original }) is not { } endpoint)
            {
                continue;
            }

            if (Interlocked.Increment(ref _underWay) > MaxCopies)
            {
                Interlocked.Decrement(ref _underWay);
                Interlocked.Increment(ref _dropped);
                continue;
            }

            var isHttp2 = cluster.Protocol == UpstreamProtocol.Http2 || (cluster.Protocol == UpstreamProtocol.FollowDownstream && exchange.IsHttp2);
            var context = exchange.Context;
            var request = new HttpRequestMessage(HttpMethod.Parse(context.Request.Method), new Uri(UpstreamOrigin.Of(cluster, endpoint, context.Request.Headers.Host.ToString(), isHttp2) + target, AsIs))
            {
                Version = isHttp2 ? HttpVersion.Version20 : HttpVersion.Version11,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            HttpContent? content = body;
            if (context.Request.ContentLength is { } length)
            {
                content ??= new ByteArrayContent([]);
                content.Headers.ContentLength = length;
            }

            UpstreamHeaders.CopyRequest(exchange, request, ref content);
            request.Content = content;

            // On the pool, so that not even a slow connect() is the request's business.
            _ = Task.Run(() => SendAsync(request, new HttpMessageInvoker(clients.For(cluster), disposeHandler: false)));
        }
    }

    private async Task SendAsync(HttpRequestMessage request, HttpMessageInvoker invoker)
    {
        using var limit = new CancellationTokenSource(DefaultLimit);
        try
        {
            using (request)
            {
                using var response = await invoker.SendAsync(request, limit.Token).ConfigureAwait(false);

                // Read to its end, so that the connection can be used again.
                await response.Content.CopyToAsync(Stream.Null, limit.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or InvalidOperationException)
        {
            // What becomes of a copy is nobody's concern.
            return;
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }
}

/// <summary>The copies of one request; the default has none.</summary>
internal readonly struct MirrorCopies(List<(ClusterSlot Slot, MirrorBody? Body)> targets)
{
    private static readonly (ClusterSlot, MirrorBody?)[] None = [];
    private static readonly MirrorBody[] NoBodies = [];

    private readonly List<(ClusterSlot Slot, MirrorBody? Body)>? _targets = targets;

    public IReadOnlyList<(ClusterSlot Slot, MirrorBody? Body)> Targets => _targets is null ? None : _targets;

    public IReadOnlyList<MirrorBody> Bodies => _targets is null ? NoBodies : [.. _targets.Where(t => t.Body is not null).Select(t => t.Body!)];

    /// <summary>The request is over: a copy whose body did not end with it must not look whole.</summary>
    public void Abandon()
    {
        foreach (var (_, body) in Targets)
        {
            body?.Abandon();
        }
    }
}
