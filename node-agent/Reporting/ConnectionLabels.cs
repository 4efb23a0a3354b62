using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Enrolment;
using Waypoint.NodeAgent.Intent;
using Waypoint.NodeAgent.Reconciliation;
using Waypoint.NodeAgent.Workloads;
using Service = Waypoint.NodeAgent.Workloads.Service;

namespace Waypoint.NodeAgent.Reporting;

/// <summary>Who talks to whom, in the words of Istio's TCP metrics. What is not known is "unknown".</summary>
internal sealed record ConnectionLabels(Workload? Source, Workload? Destination, Service? Service, string ResponseFlags)
{
    private const string Unknown = "unknown";

    /// <summary>Istio's label names and values, in a fixed order.</summary>
    public KeyValuePair<string, object?>[] Tags => field ??=
    [
        new("reporter", "source"),
        .. Of("source", Source),
        .. Of("destination", Destination),
        new("destination_service", Service?.Hostname ?? Unknown),
        new("destination_service_name", Service?.Name ?? Unknown),
        new("destination_service_namespace", Service?.Namespace ?? Unknown),
        new("request_protocol", "tcp"),
        new("response_flags", ResponseFlags),
        new("connection_security_policy", "none"),
    ];

    /// <summary>Finds out who an event is about. The client is known by its network namespace, which it cannot forge.</summary>
    public static ConnectionLabels Of(ReconcilerState state, in ConnectionEvent connection)
    {
        EntryKey? dialled = state.Writer.NameOf(connection.Service);
        Service? service = null;
        Workload? destination = null;
        if (dialled is { Kind: UnitKind.Service } port)
        {
            state.Store.Services.TryGetValue(port.Owner, out service);
        }

        // Where it went; for what was refused, whom it asked for.
        if (!state.Store.TryGetWorkload(InternetAddress.From(connection.Chosen), out destination)
            && dialled is { Kind: UnitKind.Workload } workload)
        {
            state.Store.Workloads.TryGetValue(workload.Owner, out destination);
        }

        return new ConnectionLabels(SourceOf(state, connection.Netns), destination, service, FlagsOf(connection));
    }

    // Metrics are told apart by what they say, and two pods of one deployment say the same.
    public bool Equals(ConnectionLabels? other) => other is not null && Tags.AsSpan().SequenceEqual(other.Tags);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach ((_, object? value) in Tags)
        {
            hash.Add(value);
        }

        return hash.ToHashCode();
    }

    private static Workload? SourceOf(ReconcilerState state, ulong netns) =>
        state.Pods.TryGet(netns, out EnrolledPod? pod)
        && ((pod.Addresses.IPv4 is { } ipv4 && state.Store.TryGetWorkload(ipv4, out Workload? workload))
            || (pod.Addresses.IPv6 is { } ipv6 && state.Store.TryGetWorkload(ipv6, out workload)))
            ? workload
            : null;

    private static string FlagsOf(in ConnectionEvent connection) => (connection.Kind, connection.Reason) switch
    {
        (ConnectionEventKind.Refused, Counter.RefusedNoWaypoint or Counter.RefusedNoBackend) => "UH",
        (ConnectionEventKind.Refused or ConnectionEventKind.Failed, _) => "CONNECT",
        _ => "-",
    };

    private static IEnumerable<KeyValuePair<string, object?>> Of(string side, Workload? workload) =>
    [
        new($"{side}_workload", Or(workload?.WorkloadName)),
        new($"{side}_workload_namespace", Or(workload?.Namespace)),
        new($"{side}_principal", workload is { ServiceAccount.Length: > 0 } ? workload.Identity : Unknown),
        new($"{side}_app", Or(workload?.CanonicalName)),
        new($"{side}_version", Or(workload?.CanonicalRevision)),
        new($"{side}_cluster", Or(workload?.ClusterId)),
        new($"{side}_canonical_service", Or(workload?.CanonicalName)),
        new($"{side}_canonical_revision", workload is null ? Unknown : workload.CanonicalRevision is { Length: > 0 } revision ? revision : "latest"),
    ];

    private static string Or(string? value) => string.IsNullOrEmpty(value) ? Unknown : value;
}
