using System.Collections.Concurrent;
using System.Net;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Label = System.Collections.Generic.KeyValuePair<string, object?>;

namespace Waypoint.Proxy.Telemetry;

/// <summary>What decides the labels of one measurement. Two requests with the same values here are one series.</summary>
/// <param name="Source">Who is behind the client's address.</param>
/// <param name="SourcePrincipal">Who the client proved to be by a certificate; null when it came without one.</param>
internal readonly record struct SeriesKey(
    Workload? Source,
    string? SourcePrincipal,
    Workload? Destination,
    ServiceIdentity? Service,
    string Protocol,
    int Status,
    string GrpcStatus,
    ResponseFlags Flags);

/// <summary>
/// Istio's labels for who spoke to whom (reporter <c>waypoint</c>). The array for a series is made once and used again:
/// there are two dozen labels, and making them for each request would cost more than the measurement.
/// </summary>
internal sealed class PeerLabels(WorkloadDirectory workloads)
{
    /// <summary>Workloads come and go; at this size all arrays are forgotten and made anew on demand.</summary>
    private const int MaxSeries = 16 * 1024;

    private readonly ConcurrentDictionary<SeriesKey, Label[]> _http = [];
    private readonly ConcurrentDictionary<SeriesKey, Label[]> _tcp = [];

    public Workload? Find(IPEndPoint? address) => address is null ? null : workloads.Find(address.Address);

    public Label[] ForRequest(SeriesKey key) => Get(_http, key, isHttp: true);

    public Label[] ForConnection(SeriesKey key) => Get(_tcp, key, isHttp: false);

    private static Label[] Get(ConcurrentDictionary<SeriesKey, Label[]> series, SeriesKey key, bool isHttp)
    {
        if (series.TryGetValue(key, out var labels))
        {
            return labels;
        }

        if (series.Count >= MaxSeries)
        {
            series.Clear();
        }

        return series.GetOrAdd(key, Create(key, isHttp));
    }

    private static Label[] Create(SeriesKey key, bool isHttp)
    {
        List<Label> labels = [new("reporter", "waypoint")];
        AddWorkload(labels, "source", key.Source, key.SourcePrincipal ?? key.Source?.Principal);
        AddWorkload(labels, "destination", key.Destination, key.Destination?.Principal);
        labels.Add(new("destination_service", OrUnknown(key.Service?.Host)));
        labels.Add(new("destination_service_name", OrUnknown(key.Service?.Name)));
        labels.Add(new("destination_service_namespace", OrUnknown(key.Service?.Namespace ?? key.Destination?.Namespace)));
        labels.Add(new("request_protocol", key.Protocol));
        if (isHttp)
        {
            labels.Add(new("response_code", key.Status.ToString(System.Globalization.CultureInfo.InvariantCulture)));
            labels.Add(new("grpc_response_status", key.GrpcStatus));
        }

        labels.Add(new("response_flags", key.Flags.ToShortNames()));

        // The kernel redirect carries plain bytes between pod and waypoint.
        labels.Add(new("connection_security_policy", key.SourcePrincipal is null ? "none" : "mutual_tls"));
        return [.. labels];
    }

    private static void AddWorkload(List<Label> labels, string side, Workload? workload, string? principal)
    {
        labels.Add(new($"{side}_workload", OrUnknown(workload?.WorkloadName)));
        labels.Add(new($"{side}_workload_namespace", OrUnknown(workload?.Namespace)));
        labels.Add(new($"{side}_principal", OrUnknown(principal)));
        labels.Add(new($"{side}_app", OrUnknown(workload?.CanonicalName)));
        labels.Add(new($"{side}_version", OrUnknown(workload?.CanonicalRevision)));
        labels.Add(new($"{side}_canonical_service", OrUnknown(workload?.CanonicalName)));
        labels.Add(new($"{side}_canonical_revision", workload is { CanonicalRevision.Length: > 0 } ? workload.CanonicalRevision : "latest"));
        labels.Add(new($"{side}_cluster", OrUnknown(workload?.ClusterId)));
    }

    private static string OrUnknown(string? value) => string.IsNullOrEmpty(value) ? "unknown" : value;
}
