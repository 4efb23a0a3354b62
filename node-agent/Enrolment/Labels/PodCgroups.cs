using System.Globalization;
using Waypoint.NodeAgent.Kubernetes.Model;

namespace Waypoint.NodeAgent.Enrolment.Labels;

/// <summary>
/// Finds a pod's processes by the cgroup that the kubelet makes for it. Below the node's root there is one for all pods, below that one for
/// each of two classes of service, and pods in all three. The kubelet's cgroupfs driver calls them <c>kubepods/burstable/podUID</c>, its
/// systemd driver <c>kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podUID.slice</c> with underscores for the dashes of the UID.
/// </summary>
/// <param name="root">The node's root, or the cgroup of the pods, or of one class of them, when only those are served.</param>
internal sealed class PodCgroups(string root)
{
    // A static pod comes from a file and has its cgroup before the API knows of it, by the hash of that file.
    private const string ConfigHash = "kubernetes.io/config.hash";

    // Where kubelets run inside of something, as in kind, their pods' cgroup is a few levels down.
    private const int MaxDepthOfPods = 5;

    private string[] _parents = [];

    /// <summary>The ids of the pod's processes, of all its containers. Empty when there are none, or none that can be seen from here.</summary>
    public IEnumerable<int> ProcessesOf(ObjectMeta pod)
    {
        string uid = pod.Annotation(ConfigHash) ?? pod.Uid;
        if (Find(uid) is not { } cgroup)
        {
            _parents = [.. FindParents(Path.TrimEndingDirectorySeparator(root), MaxDepthOfPods)];
            cgroup = Find(uid);
        }

        return cgroup is null ? [] : Processes(cgroup);
    }

    private string? Find(string uid)
    {
        string cgroupfs = $"pod{uid}";
        string systemd = $"-pod{uid.Replace('-', '_')}.slice";
        return _parents.SelectMany(Children).FirstOrDefault(path => Path.GetFileName(path) is var name
            && (name == cgroupfs || name.EndsWith(systemd, StringComparison.Ordinal)));
    }

    /// <summary>The cgroups in which pods are.</summary>
    private static IEnumerable<string> FindParents(string directory, int depth) =>
        IsQualityOfService(directory) ? [directory]
        : IsOfAllPods(directory) ? Children(directory).Where(IsQualityOfService).Prepend(directory)
        : depth > 0 ? Children(directory).SelectMany(child => FindParents(child, depth - 1))
        : [];

    private static bool IsOfAllPods(string path) =>
        Path.GetFileName(path) is var name && (name == "kubepods" || name.EndsWith("kubepods.slice", StringComparison.Ordinal));

    private static bool IsQualityOfService(string path) => Path.GetFileName(path) is var name
        && (name is "burstable" or "besteffort" || name.EndsWith("kubepods-burstable.slice", StringComparison.Ordinal)
            || name.EndsWith("kubepods-besteffort.slice", StringComparison.Ordinal));

    private static IEnumerable<int> Processes(string cgroup)
    {
        foreach (string line in Read(Path.Combine(cgroup, "cgroup.procs")))
        {
            // The kernel writes 0 for a process of another pid namespace.
            if (int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out int process) && process > 0)
            {
                yield return process;
            }
        }

        foreach (int process in Children(cgroup).SelectMany(Processes))
        {
            yield return process;
        }
    }

    // Cgroups come and go while they are looked at.
    private static string[] Children(string directory)
    {
        try
        {
            return Directory.GetDirectories(directory);
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static string[] Read(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (IOException)
        {
            return [];
        }
    }
}
