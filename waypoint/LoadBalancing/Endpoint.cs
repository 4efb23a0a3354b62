using System.Net;

namespace Waypoint.Proxy.LoadBalancing;

/// <summary>One address that can serve. Immutable but for its shared <see cref="State"/>.</summary>
internal sealed class Endpoint
{
    public required IPEndPoint Address { get; init; }

    /// <summary>The name by which the configuration knows it; empty when it knows it by its address alone.</summary>
    public string Hostname { get; init; } = "";

    /// <summary>The beginning of every URI that is sent to it. It keeps tunnelled connections and plain ones to one address apart.</summary>
    public string Origin => field ??= $"http://{Place}";

    /// <summary><see cref="Origin"/> for encrypted connections.</summary>
    public string SecureOrigin => field ??= $"https://{Place}";

    /// <summary>At least 1.</summary>
    public uint Weight { get; init; } = 1;

    /// <summary>0 is used first; the next one when the endpoints before it are not enough.</summary>
    public int Priority { get; init; }

    public Locality Locality { get; init; } = Locality.None;

    /// <summary>What the control plane says of its health; our own observations are in <see cref="State"/>.</summary>
    public bool IsHealthy { get; init; } = true;

    /// <summary>The control plane asks for an HBONE tunnel to this endpoint (an <c>envoyInternalAddress</c>); see <see cref="Hbone.Outbound.UpstreamHboneMode"/>.</summary>
    public bool WantsTunnel { get; init; }

    /// <summary>A sidecar is there, which takes mutual TLS with our own certificate (istiod's metadata <c>tlsMode: istio</c>).</summary>
    public bool WantsSidecarTls { get; init; }

    public required EndpointState State { get; init; }

    private string Place => WantsTunnel ? $"{AddressLabel.Of(Address.Address, isTunnelled: true)}:{Address.Port}" : Address.ToString();
}

/// <summary>Where an endpoint runs; empty parts are unknown.</summary>
internal sealed record Locality(string Region, string Zone, string SubZone)
{
    public static Locality None { get; } = new("", "", "");
}
