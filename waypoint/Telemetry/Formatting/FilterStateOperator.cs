using Waypoint.Proxy.Mesh;

namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary>
/// <c>%FILTER_STATE(KEY:PLAIN|TYPED|FIELD:NAME)%</c> for what Istio's filters put there: who the peers are. A key that nobody sets has
/// no value, as in Envoy.
/// </summary>
internal static class FilterStateOperator
{
    public static FieldOperator Create(Command command)
    {
        var parts = (command.Argument ?? "").Split(':', 3);
        var form = parts.Length > 1 ? parts[1] : "TYPED";
        if (parts[0].Length == 0 || form is not ("PLAIN" or "TYPED" or "FIELD") || (form == "FIELD") != (parts.Length == 3))
        {
            throw OperatorCatalogue.Invalid(command, "KEY, KEY:PLAIN, KEY:TYPED or KEY:FIELD:NAME is needed");
        }

        Func<StreamInfo, Workload?>? peer = parts[0] switch
        {
            "downstream_peer" or "downstream_peer_obj" => static s => s.Source,
            "upstream_peer" or "upstream_peer_obj" => static s => s.Destination,
            _ => null,
        };
        if (peer is not null)
        {
            if (parts.Length < 3)
            {
                return new TextOperator(s => peer(s) is { } workload ? Baggage(workload) : null);
            }

            var name = parts[2];
            return new TextOperator(s => peer(s) is { } workload ? Field(workload, name) : null);
        }

        return parts[0] switch
        {
            "io.istio.peer_principal" => new TextOperator(static s => s.ClientPrincipal),
            "io.istio.connect_authority" or "envoy.filters.listener.original_dst.local_ip" => new AddressOperator(static s => s.Local, withPort: true),
            "envoy.filters.listener.original_dst.remote_ip" => new AddressOperator(static s => s.Client, withPort: true),
            _ => new AbsentOperator(),
        };
    }

    /// <summary>Istio's name for a property of a workload; null when there is no such property.</summary>
    public static string? Field(Workload workload, string name) => name switch
    {
        "workload" => workload.WorkloadName,
        "namespace" => workload.Namespace,
        "cluster" => workload.ClusterId,
        "service" or "app" => workload.CanonicalName,
        "revision" or "version" => workload.CanonicalRevision,
        "name" => workload.Name,
        "type" => "pod",
        "identity" => workload.Principal,
        "region" => workload.Region,
        "zone" => workload.Zone,
        _ => null,
    };

    private static string Baggage(Workload workload) =>
        $"k8s.cluster.name={workload.ClusterId},k8s.namespace.name={workload.Namespace},k8s.pod.name={workload.WorkloadName},"
        + $"service.name={workload.CanonicalName},service.version={workload.CanonicalRevision}";
}
