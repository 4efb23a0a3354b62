using System.Collections.Immutable;
using Waypoint.NodeAgent.Kubernetes.Model;
using Waypoint.NodeAgent.Reconciliation;
using Waypoint.NodeAgent.Workloads;
using Waypoint.Xds.Delta.Client;

namespace Waypoint.NodeAgent.Enrolment.Labels;

/// <summary>
/// Brings the enrolled pods to what the labels ask for. Each pass looks at every pod of the node, so that nothing depends on the order of
/// events or on none being missed. Nothing is un-enrolled before everything was listed once: a restarted agent adopts what is enrolled.
/// </summary>
internal sealed partial class PodEnroller(NodePods pods, PodLocator locator, Reconciler reconciler, ILogger<PodEnroller> logger)
{
    private static readonly TimeSpan ShortestDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(10);

    // Between a pod's sandbox and the first of its containers there are about 100 ms. One whose sandbox does not come waits for a volume or worse.
    private static readonly TimeSpan StartingDelay = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan StartingTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StuckDelay = TimeSpan.FromSeconds(1);

    // A namespace that vanishes under a pod that goes on (its sandbox was made anew) is nobody's event.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan StrangerTime = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, Tracked> _tracked = [];

    // Enrolled, and of no pod that is known: since when, by cookie.
    private readonly Dictionary<ulong, long> _strangers = [];
    private readonly TaskCompletionSource _synchronized = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IReadOnlyList<PodEnrolment> _current = [];

    /// <summary>Done once all pods of this node have been looked at.</summary>
    public Task Synchronized => _synchronized.Task;

    /// <summary>The pods of this node after the last pass; none before the first.</summary>
    public IReadOnlyList<PodEnrolment> Current => _current;

    /// <summary>Passes, whenever there is something to do.</summary>
    /// <param name="passed">Called after each pass.</param>
    public async Task RunAsync(Action<IReadOnlyList<PodEnrolment>> passed, CancellationToken stop)
    {
        while (true)
        {
            if (Pass() is { } current)
            {
                passed(current);
                _synchronized.TrySetResult();
            }

            long now = Environment.TickCount64;
            IEnumerable<long> waits = _tracked.Values.Where(pod => pod.NextAttempt != 0).Select(pod => Math.Max(1, pod.NextAttempt - now));
            await pods.Changed.WaitAsync(TimeSpan.FromMilliseconds(waits.Append((long)Interval.TotalMilliseconds).Min()), stop).ConfigureAwait(false);
        }
    }

    private IReadOnlyList<PodEnrolment>? Pass()
    {
        if (pods.Decide() is not { } decided)
        {
            return null;
        }

        var present = new HashSet<string>();
        foreach ((Pod pod, EnrolmentVerdict verdict) in decided)
        {
            present.Add(pod.Metadata.Uid);
            if (!_tracked.TryGetValue(pod.Metadata.Uid, out Tracked? tracked))
            {
                _tracked[pod.Metadata.Uid] = tracked = new Tracked { Pod = pod };
            }

            tracked.Pod = pod;
            if (tracked.Verdict != verdict)
            {
                tracked.Verdict = verdict;
                tracked.NextAttempt = 0;
            }
        }

        // Leaving comes first: it makes room.
        foreach ((string uid, Tracked tracked) in _tracked.Where(entry => !present.Contains(entry.Key)).ToArray())
        {
            Unenrol(tracked);
            _tracked.Remove(uid);
        }

        foreach (Tracked tracked in _tracked.Values.Where(tracked => !tracked.IsWanted))
        {
            Unenrol(tracked);
        }

        foreach (Tracked tracked in _tracked.Values.Where(tracked => tracked.IsWanted))
        {
            Enrol(tracked);
        }

        UnenrolStrangers();
        return _current = [.. _tracked.Values
            .Select(tracked => new PodEnrolment(tracked.Pod.Metadata, tracked.Verdict, tracked.Cookie, tracked.Error))
            .OrderBy(pod => PodLocator.NameOf(pod.Pod), StringComparer.Ordinal)];
    }

    private void Enrol(Tracked tracked)
    {
        HashSet<InternetAddress> addresses = PodLocator.AddressesOf(tracked.Pod);
        if (tracked.Cookie is { } known && tracked.Addresses.SetEquals(addresses) && reconciler.Read(state => state.Pods.TryGet(known, out _)))
        {
            return;
        }

        if (Environment.TickCount64 < tracked.NextAttempt)
        {
            return;
        }

        try
        {
            EnrolledPod found = locator.Locate(tracked.Pod);
            if (!reconciler.IsEnrolled(found))
            {
                reconciler.Enrol(found);
            }

            if (tracked.Cookie is { } before && before != found.Cookie)
            {
                reconciler.Unenrol(before);
            }

            tracked.Cookie = found.Cookie;
            tracked.Addresses = addresses;
            tracked.Error = null;
            tracked.NextAttempt = 0;
            tracked.Delay.Reset();
        }
        catch (EnrolmentException) when (tracked.Verdict == EnrolmentVerdict.Starting)
        {
            long now = Environment.TickCount64;
            tracked.NextAttempt = now + (long)(now - tracked.Since < StartingTime.TotalMilliseconds ? StartingDelay : StuckDelay).TotalMilliseconds;
        }
        catch (EnrolmentException exception)
        {
            if (tracked.Error != exception.Message)
            {
                LogFailed(exception.Message);
            }

            EnrolmentMetrics.CountFailure(exception.Failure);
            tracked.Error = exception.Message;
            tracked.NextAttempt = Environment.TickCount64 + (long)tracked.Delay.Next().TotalMilliseconds;
        }
    }

    private void Unenrol(Tracked tracked)
    {
        if (tracked.Cookie is { } cookie)
        {
            reconciler.Unenrol(cookie);
        }

        tracked.Cookie = null;
        tracked.Error = null;
        tracked.NextAttempt = 0;
    }

    /// <summary>
    /// What an earlier life enrolled is adopted; its pod may have lost its label, or its life, while nobody was looking. One that has the
    /// address of a pod that is to be enrolled is most likely that pod, whose processes could not be found just now. One that has nobody's may
    /// be younger than the list, which the API server is free to take from a memory that lags behind.
    /// </summary>
    private void UnenrolStrangers()
    {
        HashSet<ulong> cookies = [.. _tracked.Values.Select(tracked => tracked.Cookie).OfType<ulong>()];
        ILookup<bool, InternetAddress> addresses = _tracked.Values
            .Where(tracked => tracked.Cookie is null)
            .SelectMany(tracked => PodLocator.AddressesOf(tracked.Pod).Select(address => KeyValuePair.Create(tracked.IsWanted, address)))
            .ToLookup(pod => pod.Key, pod => pod.Value);
        EnrolledPod[] strangers = reconciler.Read(state => state.Pods.Pods.Where(pod => !cookies.Contains(pod.Cookie)).ToArray());
        foreach (EnrolledPod stranger in strangers.Where(stranger => !stranger.Addresses.All.Any(addresses[true].Contains)))
        {
            long since = _strangers.GetValueOrDefault(stranger.Cookie, Environment.TickCount64);
            if (stranger.Addresses.All.Any(addresses[false].Contains) || Environment.TickCount64 - since >= StrangerTime.TotalMilliseconds)
            {
                reconciler.Unenrol(stranger.Cookie);
                _strangers.Remove(stranger.Cookie);
            }
            else
            {
                _strangers[stranger.Cookie] = since;
            }
        }

        foreach (ulong known in _strangers.Keys.Except(strangers.Select(stranger => stranger.Cookie)).ToArray())
        {
            _strangers.Remove(known);
        }
    }

    [LoggerMessage(LogLevel.Warning, "not enrolled: {Reason}; trying again")]
    private partial void LogFailed(string reason);

    private sealed class Tracked
    {
        public required Pod Pod { get; set; }

        public EnrolmentVerdict Verdict { get; set; }

        public bool IsWanted => Verdict is EnrolmentVerdict.Enrol or EnrolmentVerdict.Starting;

        /// <summary>When it was first seen, as <see cref="NextAttempt"/>.</summary>
        public long Since { get; } = Environment.TickCount64;

        public ulong? Cookie { get; set; }

        /// <summary>Those that the API knew when it was enrolled.</summary>
        public HashSet<InternetAddress> Addresses { get; set; } = [];

        public string? Error { get; set; }

        /// <summary>In milliseconds of <see cref="Environment.TickCount64"/>; 0 when nothing is to be tried again.</summary>
        public long NextAttempt { get; set; }

        public ReconnectDelay Delay { get; } = new(ShortestDelay, LongestDelay, Random.Shared);
    }
}
