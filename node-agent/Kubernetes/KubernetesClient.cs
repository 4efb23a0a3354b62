using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Waypoint.NodeAgent.Kubernetes.Model;

namespace Waypoint.NodeAgent.Kubernetes;

/// <summary>The API server, as far as a node agent asks it: lists, watches and a patch.</summary>
internal sealed class KubernetesClient : IDisposable
{
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(30);

    private readonly KubernetesConfiguration _configuration;
    private readonly HttpClient _http;

    public KubernetesClient(KubernetesConfiguration configuration)
    {
        _configuration = configuration;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),

            // A watch may be silent for minutes: only a ping tells that the server has vanished without a FIN.
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
        };
        if (configuration.Roots is { } roots)
        {
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, errors) => Trusts(roots(), certificate, chain, errors);
        }

        if (configuration.ClientCertificate is { } own)
        {
            handler.SslOptions.ClientCertificates = [own];
        }

        _http = new HttpClient(handler) { BaseAddress = configuration.Server, Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <param name="resourceVersion">"0": any version will do, so the server answers from memory. "": the newest.</param>
    /// <exception cref="KubernetesException">The server refused.</exception>
    public async Task<ResourceList<T>> ListAsync<T>(
        ApiResource<T> resource, string? fieldSelector, string resourceVersion, CancellationToken cancellation)
        where T : IKubernetesObject
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(RequestTimeout);
        using HttpRequestMessage request = Request(HttpMethod.Get, $"{resource.Path}?resourceVersion={resourceVersion}{Select(fieldSelector)}");
        using HttpResponseMessage response = await SendAsync(request, limited.Token).ConfigureAwait(false);
        Stream body = await response.Content.ReadAsStreamAsync(limited.Token).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
        {
            return await JsonSerializer.DeserializeAsync(body, resource.ListType, limited.Token).ConfigureAwait(false)
                ?? throw new JsonException("the list is null");
        }
    }

    /// <summary>What changes after a version, until the server ends the watch, which it does after <paramref name="duration"/>.</summary>
    /// <exception cref="KubernetesException">The server refused, or said in the stream that it cannot go on.</exception>
    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(
        ApiResource<T> resource, string? fieldSelector, string resourceVersion, TimeSpan duration,
        [EnumeratorCancellation] CancellationToken cancellation)
        where T : IKubernetesObject
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(duration + RequestTimeout);
        string seconds = ((int)duration.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        using HttpRequestMessage request = Request(HttpMethod.Get,
            $"{resource.Path}?watch=true&allowWatchBookmarks=true&resourceVersion={resourceVersion}&timeoutSeconds={seconds}{Select(fieldSelector)}");
        using HttpResponseMessage response = await SendAsync(request, limited.Token).ConfigureAwait(false);
        Stream body = await response.Content.ReadAsStreamAsync(limited.Token).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
        {
            await foreach (WatchLine? line in JsonSerializer
                .DeserializeAsyncEnumerable(body, KubernetesJson.Default.WatchLine, topLevelValues: true, limited.Token).ConfigureAwait(false))
            {
                yield return Read(line ?? throw new JsonException("an event is null"), resource);
            }
        }
    }

    /// <summary>Sets an annotation of a pod, or removes it.</summary>
    /// <param name="value">Null removes it.</param>
    /// <exception cref="KubernetesException">The server refused; 404 and 409 when the pod is gone, or another has its name.</exception>
    public async Task AnnotateAsync(ObjectMeta pod, string annotation, string? value, CancellationToken cancellation)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(RequestTimeout);

        // The status sub-resource takes changes of the metadata too, and whoever may patch only that cannot touch what the pod runs.
        using HttpRequestMessage request = Request(HttpMethod.Patch, $"api/v1/namespaces/{pod.Namespace}/pods/{pod.Name}/status");
        request.Content = new ByteArrayContent(MergePatch(pod.Uid, annotation, value))
        {
            Headers = { ContentType = new MediaTypeHeaderValue("application/merge-patch+json") },
        };
        (await SendAsync(request, limited.Token).ConfigureAwait(false)).Dispose();
    }

    public void Dispose() => _http.Dispose();

    // The uid makes it a conflict when a new pod has taken the name.
    private static byte[] MergePatch(string uid, string annotation, string? value)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("metadata");
            json.WriteString("uid", uid);
            json.WriteStartObject("annotations");
            json.WriteString(annotation, value);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private static WatchEvent<T> Read<T>(WatchLine line, ApiResource<T> resource)
        where T : IKubernetesObject
    {
        WatchEventKind kind = line.Type switch
        {
            "ADDED" or "MODIFIED" => WatchEventKind.Changed,
            "DELETED" => WatchEventKind.Deleted,
            "BOOKMARK" => WatchEventKind.Bookmark,
            "ERROR" => throw Failure(line.Object.Deserialize(KubernetesJson.Default.Status)),
            _ => throw new JsonException($"an event is of the unknown type '{line.Type}'"),
        };
        return new WatchEvent<T>(kind, line.Object.Deserialize(resource.Type) ?? throw new JsonException("the object of an event is null"));
    }

    private HttpRequestMessage Request(HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, path) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("waypoint-node-agent", null));
        if (_configuration.Token is { } token)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token());
        }

        return request;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw await FailureAsync(response, cancellation).ConfigureAwait(false);
        }
    }

    private static async Task<KubernetesException> FailureAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        byte[] body = await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
        try
        {
            return Failure(JsonSerializer.Deserialize(body, KubernetesJson.Default.Status));
        }
        catch (JsonException)
        {
            // A proxy before the API server answers in words of its own.
            return new KubernetesException($"{(int)response.StatusCode} {response.ReasonPhrase}", response.StatusCode);
        }
    }

    private static KubernetesException Failure(Status? status) => new(
        string.Create(CultureInfo.InvariantCulture, $"{status?.Code} {status?.Reason}: {status?.Message}"), (HttpStatusCode)(status?.Code ?? 0));

    private static string Select(string? fieldSelector) => fieldSelector is null ? "" : $"&fieldSelector={Uri.EscapeDataString(fieldSelector)}";

    private static bool Trusts(X509Certificate2Collection roots, X509Certificate? certificate, X509Chain? presented, SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 leaf || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        foreach (X509ChainElement element in presented?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
        {
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        }

        return chain.Build(leaf);
    }
}
