using System.Collections.Immutable;
using System.Net;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Validation;

namespace Waypoint.GatewayApi.Sources.Reading;

/// <summary>
/// Reads a Pod. In a folder somebody writes its status too: <c>status.podIP</c>, and <c>status.conditions</c> if it is not
/// ready; without conditions it counts as ready.
/// </summary>
internal static class PodReader
{
    public static KubernetesObject Read(FieldReader root, ObjectHeader header)
    {
        Pod pod = new(header, [], true, false, false, "default", "", []);
        if (root.Child("spec") is { } spec)
        {
            pod = pod with
            {
                ServiceAccount = spec.Text("serviceAccountName") ?? spec.Text("serviceAccount") ?? "default",
                NodeName = spec.Text("nodeName") ?? "",
                HostNetwork = spec.Boolean("hostNetwork") ?? false,
                NamedPorts = spec.Children("containers", int.MaxValue, ReadContainer).SelectMany(ports => ports.Named).ToImmutableArray(),
            };
            spec.Ignore(
                "serviceAccount", "activeDeadlineSeconds", "affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "enableServiceLinks",
                "ephemeralContainers", "hostAliases", "hostIPC", "hostPID", "hostUsers", "hostname", "hostnameOverride", "imagePullSecrets",
                "initContainers", "nodeSelector", "os", "overhead", "preemptionPolicy", "priority", "priorityClassName", "readinessGates",
                "resourceClaims", "resources", "restartPolicy", "runtimeClassName", "schedulerName", "schedulingGates", "securityContext",
                "setHostnameAsFQDN", "shareProcessNamespace", "subdomain", "terminationGracePeriodSeconds", "tolerations",
                "topologySpreadConstraints", "volumes", "workloadRef");
            spec.Finish();
        }

        if (root.Child("status") is { } status)
        {
            pod = ReadStatus(status, pod);
        }

        return pod;
    }

    private sealed record Container(ImmutableArray<ContainerPort> Named);

    private static Container ReadContainer(FieldReader container) => new(
        container.Children("ports", int.MaxValue, port => new ContainerPort(
                port.Text("name", TextRules.PortName) ?? "", port.RequiredInteger("containerPort", 1, 65535)))
            .Where(port => port.Name.Length > 0)
            .ToImmutableArray());

    private static Pod ReadStatus(FieldReader status, Pod pod)
    {
        List<string> texts = [];
        if (status.Text("podIP") is { Length: > 0 } first)
        {
            texts.Add(first);
        }

        texts.AddRange(status.Children("podIPs", 2, address => address.RequiredText("ip")));
        ImmutableArray<IPAddress> addresses = AddressReader.ParseAll(status, status.Has("podIP") ? "podIP" : "podIPs", texts);

        bool ready = true;
        status.Children("conditions", int.MaxValue, condition =>
        {
            if (condition.RequiredText("type") == "Ready")
            {
                ready = condition.RequiredText("status") == "True";
            }

            return condition;
        });
        return pod with
        {
            Addresses = addresses,
            Ready = ready && !pod.Metadata.Deleting,
            Finished = status.Text("phase") is "Succeeded" or "Failed",
        };
    }
}
