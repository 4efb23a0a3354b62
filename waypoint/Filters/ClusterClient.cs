using System.Net;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.LoadBalancing;
using Endpoint = Waypoint.Proxy.LoadBalancing.Endpoint;

namespace Waypoint.Proxy.Filters;

/// <summary>A filter's own request came to nothing; the message says why.</summary>
internal sealed class ClusterCallException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>An answer to a filter's own request.</summary>
internal sealed class ClusterAnswer(HttpResponseMessage response, ReadOnlyMemory<byte> body) : IDisposable
{
    public int Status => (int)response.StatusCode;

    public HttpResponseMessage Response => response;

    public ReadOnlyMemory<byte> Body => body;

    public void Dispose() => response.Dispose();
}

/// <summary>Requests that filters make themselves, to an endpoint of a cluster by the cluster's own choice and over its connections.</summary>
internal sealed class ClusterClient(UpstreamClients clients)
{
    private static readonly UriCreationOptions AsGiven = new() { DangerousDisablePathAndQueryCanonicalization = true };

    /// <param name="slot">The cluster.</param>
    /// <param name="request">What to send; its URI is set here.</param>
    /// <param name="target">Path and query.</param>
    /// <param name="timeout">For the whole answer; zero for no limit.</param>
    /// <param name="maxLength">The longest body that is taken, in bytes.</param>
    /// <param name="cancellation">Gives up earlier.</param>
    /// <exception cref="ClusterCallException">There was no whole answer in time.</exception>
    public async Task<ClusterAnswer> SendAsync(
        ClusterSlot slot, HttpRequestMessage request, string target, TimeSpan timeout, int maxLength, CancellationToken cancellation)
    {
        var (cluster, endpoint) = Pick(slot);
        var isHttp2 = cluster.Protocol == UpstreamProtocol.Http2;
        request.RequestUri = new Uri(endpoint.Origin + target, AsGiven);
        request.Version = isHttp2 ? HttpVersion.Version20 : HttpVersion.Version11;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (timeout > TimeSpan.Zero)
        {
            limit.CancelAfter(timeout);
        }

        HttpResponseMessage? response = null;
        try
        {
            response = await Invoker(cluster).SendAsync(request, limit.Token).ConfigureAwait(false);
            await response.Content.LoadIntoBufferAsync(maxLength, limit.Token).ConfigureAwait(false);
            return new ClusterAnswer(response, await response.Content.ReadAsByteArrayAsync(limit.Token).ConfigureAwait(false));
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            response?.Dispose();
            throw new ClusterCallException($"{slot.Name}: {e.Message}", e);
        }
    }

    /// <summary>An endpoint's address and what sends to it.</summary>
    /// <exception cref="ClusterCallException">The cluster is not there, or has no endpoint that can be used.</exception>
    public (Uri Address, HttpMessageInvoker Invoker) Connect(ClusterSlot slot)
    {
        var (cluster, endpoint) = Pick(slot);
        return (new Uri(endpoint.Origin), Invoker(cluster));
    }

    private HttpMessageInvoker Invoker(Cluster cluster) => new(clients.For(cluster), disposeHandler: false);

    private static (Cluster Cluster, Endpoint Endpoint) Pick(ClusterSlot slot)
    {
        var cluster = slot.Current ?? throw new ClusterCallException($"{slot.Name}: no such cluster");
        return (cluster, cluster.Pick(new PickContext()) ?? throw new ClusterCallException($"{slot.Name}: {cluster.Unusable ?? "no endpoint"}"));
    }
}
