using System.Text.Json;
using Waypoint.NodeAgent.Kubernetes.Model;
using Waypoint.Xds.Delta.Client;

namespace Waypoint.NodeAgent.Kubernetes;

/// <summary>Takes what a <see cref="Reflector{T}"/> sees. One call at a time.</summary>
internal interface IResourceSink<T>
    where T : IKubernetesObject
{
    /// <summary>These are all there are.</summary>
    void Replace(IReadOnlyList<T> items);

    void Put(T item);

    void Remove(T item);
}

/// <summary>Keeps a sink equal to what the API server has of one kind: a list, then watches one after the other for as long as it runs.</summary>
/// <param name="fieldSelector">Which objects; null is all.</param>
internal sealed partial class Reflector<T>(
    KubernetesClient client, ApiResource<T> resource, string? fieldSelector, IResourceSink<T> sink, ReflectorOptions options, ILogger logger)
    where T : IKubernetesObject
{
    // From where a watch goes on; null when everything must be listed first.
    private string? _version;

    // The first list may be a little old, as the watch makes up for it; one after an expiry may not be older than what was seen.
    private string _listVersion = "0";

    public async Task RunAsync(CancellationToken stop)
    {
        var delay = new ReconnectDelay(options.ShortestDelay, options.LongestDelay, Random.Shared);
        while (true)
        {
            long started = TimeProvider.System.GetTimestamp();
            string reason = await FollowAsync(stop).ConfigureAwait(false);
            stop.ThrowIfCancellationRequested();
            KubernetesMetrics.Reconnects.Add(1, new("resource", resource.Name), new("reason", reason));
            if (TimeProvider.System.GetElapsedTime(started) >= options.HealthyAfter)
            {
                delay.Reset();
            }

            await Task.Delay(delay.Next(), stop).ConfigureAwait(false);
        }
    }

    /// <returns>Why it ended, in a word.</returns>
    private async Task<string> FollowAsync(CancellationToken stop)
    {
        try
        {
            if (_version is null)
            {
                ResourceList<T> list = await client.ListAsync(resource, fieldSelector, _listVersion, stop).ConfigureAwait(false);
                sink.Replace(list.Items ?? []);
                _version = list.Metadata.ResourceVersion;
            }

            // Random, so that the agents of a cluster that started together do not come back together.
            TimeSpan duration = options.WatchDuration * (1 + Random.Shared.NextDouble());
            await foreach (WatchEvent<T> change in client.WatchAsync(resource, fieldSelector, _version, duration, stop).ConfigureAwait(false))
            {
                Take(change);
            }

            return "ended";
        }
        catch (KubernetesException exception) when (exception.IsExpired)
        {
            ListAgain();
            return "expired";
        }
        catch (KubernetesException exception)
        {
            LogFailed(resource.Name, exception.Message);
            return "refused";
        }
        catch (JsonException exception)
        {
            // What cannot be read may have been a change, so the watch must not go on after it.
            ListAgain();
            LogFailed(resource.Name, exception.Message);
            return "unreadable";
        }
        catch (Exception exception) when (!stop.IsCancellationRequested
            && exception is HttpRequestException or IOException or OperationCanceledException or UnauthorizedAccessException)
        {
            LogFailed(resource.Name, exception.Message);
            return "broken";
        }
    }

    private void Take(WatchEvent<T> change)
    {
        switch (change.Kind)
        {
            case WatchEventKind.Changed:
                sink.Put(change.Object);
                break;
            case WatchEventKind.Deleted:
                sink.Remove(change.Object);
                break;
            default:
                break;
        }

        _version = change.Object.Metadata.ResourceVersion;
    }

    private void ListAgain()
    {
        _version = null;
        _listVersion = "";
    }

    [LoggerMessage(LogLevel.Warning, "the watch of {Resource} broke off: {Reason}")]
    private partial void LogFailed(string resource, string reason);
}
