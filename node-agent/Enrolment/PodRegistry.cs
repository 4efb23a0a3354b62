using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Intent;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Enrolment;

/// <summary>The enrolled pods of this node. Not thread-safe; one writer owns it.</summary>
internal sealed class PodRegistry
{
    private readonly Dictionary<ulong, EnrolledPod> _pods = [];
    private readonly HashSet<ulong> _missed = [];

    public IReadOnlyCollection<EnrolledPod> Pods => _pods.Values;

    public IReadOnlyDictionary<ulong, PodAddresses> Addresses => _pods.ToDictionary(pod => pod.Key, pod => pod.Value.Addresses);

    public bool TryGet(ulong cookie, [NotNullWhen(true)] out EnrolledPod? pod) => _pods.TryGetValue(cookie, out pod);

    /// <summary>Takes over the pods that an earlier life enrolled: the kernel's map is their only record.</summary>
    public void Adopt(IEnumerable<KeyValuePair<ulong, Pod>> pinned)
    {
        foreach ((ulong cookie, Pod pod) in pinned)
        {
            _pods.TryAdd(cookie, new EnrolledPod(
                cookie, new PodAddresses(Address(pod.Addr4), Address(pod.Addr6)), Name: null, Path: null));
        }
    }

    /// <summary>Looks into the pod's network namespace; does not enrol it yet.</summary>
    /// <param name="path">For instance <c>/proc/123/ns/net</c> or <c>/run/netns/NAME</c>.</param>
    /// <exception cref="EnrolmentException">There is no such namespace, it is the node's own, or it has no address.</exception>
    public static EnrolledPod Inspect(string path, string? name)
    {
        NetworkNamespace found = NetworkNamespace.Inspect(path);
        if (found.Cookie == NetworkNamespace.OwnCookie)
        {
            throw new EnrolmentException($"{path} is the network namespace of the node itself: only pods with one of their own can be enrolled.");
        }

        // Without an address nobody can tell whether it is a waypoint, whose connections must be left alone.
        return found.Addresses is { IPv4: null, IPv6: null }
            ? throw new EnrolmentException($"{path} has no address yet: enrol the pod once its interface is configured.", EnrolmentFailure.NoAddress)
            : new EnrolledPod(found.Cookie, found.Addresses, name, path);
    }

    public static string PathOf(int process) => string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/ns/net");

    /// <summary>Enrols it, or brings its addresses up to date.</summary>
    /// <returns>What was known of it before.</returns>
    public EnrolledPod? Put(EnrolledPod pod)
    {
        EnrolledPod? before = _pods.GetValueOrDefault(pod.Cookie);
        _pods[pod.Cookie] = pod;
        return before;
    }

    public bool Remove(ulong cookie, [NotNullWhen(true)] out EnrolledPod? pod) => _pods.Remove(cookie, out pod);

    /// <summary>
    /// Drops the pods that are not among the living for the second time in a row: once may be the moment at which a pod's processes are
    /// being replaced.
    /// </summary>
    public IReadOnlyList<EnrolledPod> Sweep(IReadOnlySet<ulong> living)
    {
        EnrolledPod[] missing = [.. _pods.Values.Where(pod => !living.Contains(pod.Cookie))];
        EnrolledPod[] gone = [.. missing.Where(pod => _missed.Contains(pod.Cookie))];
        foreach (EnrolledPod pod in gone)
        {
            _pods.Remove(pod.Cookie);
        }

        _missed.Clear();
        _missed.UnionWith(missing.Select(pod => pod.Cookie));
        return gone;
    }

    private static InternetAddress? Address(KernelAddress address) =>
        InternetAddress.From(address) is { IsUnspecified: false } known ? known : null;
}
