using System.Net;
using Waypoint.NodeAgent.Kubernetes;
using Waypoint.Xds.Delta;
using Waypoint.Xds.Delta.Client;

namespace Waypoint.NodeAgent.Enrolment.Labels;

/// <summary>
/// Tells the cluster which pods are enrolled, by the annotation that Istio's CNI plugin sets: istiod lists those as reachable through the
/// mesh. Apart from enrolment, which must not wait for an API server that is slow.
/// </summary>
internal sealed partial class PodAnnotator(KubernetesClient client, ILogger<PodAnnotator> logger)
{
    public const string Redirection = "ambient.istio.io/redirection";
    public const string Enabled = "enabled";

    private static readonly TimeSpan ShortestDelay = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(30);

    private readonly Wakeup _changed = new();

    // What was asked for at which version of the pod: the watch has not shown it yet.
    private readonly Dictionary<string, (string Version, string? Value)> _asked = [];
    private volatile IReadOnlyList<PodEnrolment> _pods = [];

    public void Update(IReadOnlyList<PodEnrolment> pods)
    {
        _pods = pods;
        _changed.Signal();
    }

    public async Task RunAsync(CancellationToken stop)
    {
        var delay = new ReconnectDelay(ShortestDelay, LongestDelay, Random.Shared);
        while (true)
        {
            bool all = await AnnotateAsync(_pods, stop).ConfigureAwait(false);
            if (all)
            {
                delay.Reset();
            }

            await _changed.WaitAsync(all ? Timeout.InfiniteTimeSpan : delay.Next(), stop).ConfigureAwait(false);
        }
    }

    /// <summary>Whether a pod's annotation is as its enrolment says. One that is to be enrolled and is not yet keeps what it has.</summary>
    internal static bool IsRight(PodEnrolment pod, out string? wanted)
    {
        wanted = pod.Cookie is null ? null : Enabled;
        return pod.Pod.Annotation(Redirection) == wanted
            || (wanted is null && pod.Verdict is EnrolmentVerdict.Enrol or EnrolmentVerdict.Starting or EnrolmentVerdict.Ended);
    }

    /// <returns>Whether nothing is left to be done again.</returns>
    private async Task<bool> AnnotateAsync(IReadOnlyList<PodEnrolment> pods, CancellationToken stop)
    {
        bool all = true;
        HashSet<string> present = [.. pods.Select(pod => pod.Pod.Uid)];
        foreach (string gone in _asked.Keys.Where(uid => !present.Contains(uid)).ToArray())
        {
            _asked.Remove(gone);
        }

        foreach (PodEnrolment pod in pods)
        {
            if (IsRight(pod, out string? wanted) || _asked.GetValueOrDefault(pod.Pod.Uid) == (pod.Pod.ResourceVersion, wanted))
            {
                continue;
            }

            try
            {
                await client.AnnotateAsync(pod.Pod, Redirection, wanted, stop).ConfigureAwait(false);
                _asked[pod.Pod.Uid] = (pod.Pod.ResourceVersion, wanted);
            }
            catch (KubernetesException exception) when (exception.Status is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
            {
                // Gone, and its name perhaps another's: the watch will say so.
            }
            catch (Exception exception) when (!stop.IsCancellationRequested
                && exception is KubernetesException or HttpRequestException or IOException or OperationCanceledException or UnauthorizedAccessException)
            {
                all = false;
                EnrolmentMetrics.CountAnnotationFailure();
                LogFailed(PodLocator.NameOf(pod.Pod), exception.Message);
            }
        }

        return all;
    }

    [LoggerMessage(LogLevel.Warning, "{Pod} could not be annotated: {Reason}; trying again")]
    private partial void LogFailed(string pod, string reason);
}
