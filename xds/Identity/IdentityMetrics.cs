using System.Diagnostics.Metrics;

namespace Waypoint.Xds.Identity;

/// <summary>What is known of the program's certificate from outside.</summary>
internal sealed class IdentityMetrics : IDisposable
{
    public const string MeterName = "Waypoint.Identity";

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _requests;

    public IdentityMetrics(WorkloadIdentity identity)
    {
        _requests = _meter.CreateCounter<long>("waypoint_certificate_requests_total", null, "Certificates asked for, by result.");

        // Istio's agent has the same under this name and label, so that alerts made for it work.
        _meter.CreateObservableGauge("istio_agent_cert_expiry_seconds", () => Expiry(identity), null, "Seconds until the certificate expires; negative when it has.");
    }

    public void CountRequest(bool succeeded) => _requests.Add(1, new KeyValuePair<string, object?>("result", succeeded ? "success" : "failure"));

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<double>> Expiry(WorkloadIdentity identity) =>
        identity.Current is { } certificate
            ? [new((certificate.NotAfter - DateTimeOffset.UtcNow).TotalSeconds, new KeyValuePair<string, object?>("resource_name", "default"))]
            : [];
}
