using Waypoint.NodeAgent.Kubernetes.Model;
using Waypoint.NodeAgent.Workloads;
using Pod = Waypoint.NodeAgent.Kubernetes.Model.Pod;

namespace Waypoint.NodeAgent.Enrolment.Labels;

/// <summary>From a pod of the API to its network namespace on this node.</summary>
internal sealed class PodLocator(PodCgroups cgroups)
{
    /// <summary>The namespace that has the pod's addresses; as long as the API knows none, the one that its processes are in.</summary>
    /// <exception cref="EnrolmentException">It cannot be found, or not yet.</exception>
    public EnrolledPod Locate(Pod pod)
    {
        string name = NameOf(pod.Metadata);
        HashSet<InternetAddress> addresses = AddressesOf(pod);
        var failure = new EnrolmentException($"{name}: no process of it was found below the node's cgroup", EnrolmentFailure.NoProcess);
        var seen = new HashSet<string>();
        foreach (string path in cgroups.ProcessesOf(pod.Metadata).Select(PodRegistry.PathOf))
        {
            if (LiveNamespaces.IdentityOf(path) is not { } identity)
            {
                failure = new EnrolmentException($"{name}: {path} cannot be read, which takes CAP_SYS_PTRACE", EnrolmentFailure.NoNamespace);
                continue;
            }

            if (!seen.Add(identity))
            {
                continue;
            }

            try
            {
                // A process may be in a namespace that it made for itself, and its number may be another's by now: the addresses tell. Until
                // there are any, it is the sandbox, which the runtime puts there with the network already set up.
                EnrolledPod found = PodRegistry.Inspect(path, name);
                if (addresses.Count == 0 || found.Addresses.All.Any(addresses.Contains))
                {
                    return found;
                }

                failure = new EnrolmentException(
                    $"{name}: {path} has {found.Addresses}, not {string.Join(", ", addresses)}", EnrolmentFailure.NoAddress);
            }
            catch (EnrolmentException exception)
            {
                failure = exception;
            }
        }

        throw failure;
    }

    public static string NameOf(ObjectMeta pod) => $"{pod.Namespace}/{pod.Name}";

    public static HashSet<InternetAddress> AddressesOf(Pod pod)
    {
        var addresses = new HashSet<InternetAddress>();
        foreach (PodIP ip in pod.Status.PodIPs ?? [])
        {
            if (InternetAddress.TryParse(ip.IP, out InternetAddress address))
            {
                addresses.Add(address);
            }
        }

        return addresses;
    }
}
