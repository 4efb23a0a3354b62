using System.Text.Json;
using Waypoint.Proxy.Hbone.Outbound;

namespace Waypoint.Proxy.Hosting;

/// <summary>
/// Who and where this waypoint is, by the contract that istiod has with the pods it makes (environment, arguments, downward API files).
/// </summary>
internal sealed record PodEnvironment
{
    private const string MetadataPrefix = "ISTIO_META_";

    public required string PodName { get; init; }

    public required string Namespace { get; init; }

    public required string InstanceIp { get; init; }

    public string ServiceAccount { get; init; } = "default";

    public string ClusterId { get; init; } = "Kubernetes";

    /// <summary>HOST:PORT of the certificate authority; null leaves the pod without an identity, and so without HBONE.</summary>
    public string? CaAddress { get; init; }

    public UpstreamHboneMode UpstreamHbone { get; init; }

    public string TrustDomain { get; init; } = "cluster.local";

    /// <summary>The life of a certificate that is asked for.</summary>
    public TimeSpan CertificateLifetime { get; init; } = TimeSpan.FromHours(24);

    public string NodeName { get; init; } = "";

    public string Network { get; init; } = "";

    /// <summary>Such as <c>shop.svc.cluster.local</c>.</summary>
    public required string DnsDomain { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    /// <summary>What else the control plane is to be told of the pod, such as OWNER or MESH_ID: the variables ISTIO_META_*, without that prefix.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    public ProxyConfig ProxyConfig { get; init; } = new();

    /// <summary>Leave as soon as no connection is open, instead of after <see cref="ProxyConfig.TerminationDrainDuration"/>.</summary>
    public bool ExitOnZeroActiveConnections { get; init; }

    /// <summary>The least time to go on serving when <see cref="ExitOnZeroActiveConnections"/> is set.</summary>
    public TimeSpan MinimumDrainDuration { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The name under which the control plane knows it.</summary>
    public string NodeId => $"waypoint~{InstanceIp}~{PodName}.{Namespace}~{DnsDomain}";

    /// <param name="variables">The environment.</param>
    /// <param name="arguments">The command line.</param>
    /// <param name="podInfo">The folder of the downward API's files.</param>
    /// <exception cref="FormatException">A variable has a value that cannot be read; the message names it.</exception>
    public static PodEnvironment Read(IReadOnlyDictionary<string, string> variables, WaypointArguments arguments, string podInfo)
    {
        string? Variable(string name) => variables.GetValueOrDefault(name);
        var config = ProxyConfig.Parse(Variable("PROXY_CONFIG"));
        var ns = Variable("POD_NAMESPACE") ?? "default";
        string? FromPodOrConfig(string name) => Variable(name) ?? config.Metadata.GetValueOrDefault(name);
        return new PodEnvironment
        {
            PodName = Variable("POD_NAME") ?? Environment.MachineName,
            Namespace = ns,
            InstanceIp = Variable("INSTANCE_IP") ?? "127.0.0.1",
            ServiceAccount = Variable("SERVICE_ACCOUNT") ?? Variable("ISTIO_META_SERVICE_ACCOUNT") ?? "default",
            ClusterId = Variable("ISTIO_META_CLUSTER_ID") ?? "Kubernetes",
            CaAddress = Variable("CA_ADDR") is { Length: > 0 } authority ? authority : null,
            UpstreamHbone = UpstreamHboneModes.Parse(FromPodOrConfig("WAYPOINT_UPSTREAM_HBONE")),
            TrustDomain = Variable("TRUST_DOMAIN") is { Length: > 0 } domain ? domain : "cluster.local",
            CertificateLifetime = FromPodOrConfig("SECRET_TTL") is { } lifetime ? GoDuration.Parse(lifetime, "SECRET_TTL") : TimeSpan.FromHours(24),
            NodeName = Variable("ISTIO_META_NODE_NAME") ?? "",
            Network = Variable("ISTIO_META_NETWORK") ?? "",
            DnsDomain = arguments.Domain ?? $"{ns}.svc.cluster.local",
            Labels = PodInfo.Read(Path.Combine(podInfo, "labels"), variables, "ISTIO_METAJSON_LABELS"),
            Annotations = PodInfo.Read(Path.Combine(podInfo, "annotations"), variables, "ISTIO_METAJSON_ANNOTATIONS"),
            Metadata = variables
                .Where(v => v.Key.StartsWith(MetadataPrefix, StringComparison.Ordinal))
                .ToDictionary(v => v.Key[MetadataPrefix.Length..], v => v.Value),
            ProxyConfig = config,
            ExitOnZeroActiveConnections = FromPodOrConfig("EXIT_ON_ZERO_ACTIVE_CONNECTIONS") is "true" or "1",
            MinimumDrainDuration = FromPodOrConfig("MINIMUM_DRAIN_DURATION") is { } minimum
                ? GoDuration.Parse(minimum, "MINIMUM_DRAIN_DURATION")
                : TimeSpan.FromSeconds(5),
        };
    }
}

/// <summary>The part of istio.mesh.v1alpha1.ProxyConfig that concerns a waypoint.</summary>
internal sealed record ProxyConfig
{
    /// <summary>All of it, as it came.</summary>
    public string Json { get; init; } = "{}";

    public string DiscoveryAddress { get; init; } = "istiod.istio-system.svc:15012";

    /// <summary>How long connections may go on after SIGTERM.</summary>
    public TimeSpan TerminationDrainDuration { get; init; } = TimeSpan.FromSeconds(5);

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <exception cref="FormatException">Not JSON, or a field of the wrong kind.</exception>
    public static ProxyConfig Parse(string? json)
    {
        if (string.IsNullOrWhiteSpace(json))
        {
            return new ProxyConfig();
        }

        var config = new ProxyConfig { Json = json };
        try
        {
            using var document = JsonDocument.Parse(json);
            foreach (var field in document.RootElement.EnumerateObject())
            {
                config = field.Name switch
                {
                    "discoveryAddress" => config with { DiscoveryAddress = field.Value.GetString() ?? config.DiscoveryAddress },
                    "terminationDrainDuration" => config with
                    {
                        TerminationDrainDuration = GoDuration.Parse(field.Value.GetString() ?? "", "PROXY_CONFIG terminationDrainDuration"),
                    },
                    "proxyMetadata" => config with
                    {
                        Metadata = field.Value.EnumerateObject().ToDictionary(m => m.Name, m => m.Value.ToString()),
                    },
                    _ => config,
                };
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new FormatException($"PROXY_CONFIG: {exception.Message}", exception);
        }

        return config;
    }
}
