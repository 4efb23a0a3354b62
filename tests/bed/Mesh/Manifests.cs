using System.Net;
using YamlDotNet.RepresentationModel;

namespace Waypoint.TestBed.Mesh;

/// <summary>The parts of a Pod that running it takes. The addresses are those of its status: there is no one else to assign them.</summary>
public sealed record PodManifest(
    string Namespace,
    string Name,
    IPAddress Address4,
    IPAddress Address6,
    IReadOnlyDictionary<string, string> Labels,
    string ServiceAccount,
    string Image,
    IReadOnlyList<string> Command,
    IReadOnlyList<string> Arguments,
    bool IsEnrolled);

/// <summary>A name that cluster DNS would resolve.</summary>
public sealed record ServiceManifest(string Namespace, string Name, IPAddress ClusterAddress);

/// <summary>What a kubelet and a cluster DNS would read from a folder of YAML.</summary>
public sealed record Manifests(IReadOnlyList<PodManifest> Pods, IReadOnlyList<ServiceManifest> Services)
{
    private const string DataplaneMode = "istio.io/dataplane-mode";

    public static Manifests Read(string folder)
    {
        List<YamlMappingNode> objects = [];
        foreach (string file in Directory.EnumerateFiles(folder, "*.yaml").Order(StringComparer.Ordinal))
        {
            YamlStream stream = [];
            using StreamReader reader = File.OpenText(file);
            stream.Load(reader);
            objects.AddRange(stream.Documents.Select(document => document.RootNode).OfType<YamlMappingNode>());
        }
        ILookup<string, YamlMappingNode> kinds = objects.ToLookup(entry => Text(entry, "kind"));
        HashSet<string> ambient = [.. kinds["Namespace"]
            .Where(entry => Text(entry, "metadata", "labels", DataplaneMode) == "ambient")
            .Select(entry => Text(entry, "metadata", "name"))];
        return new Manifests(
            [.. kinds["Pod"].Select(pod => ReadPod(pod, ambient))],
            [.. kinds["Service"].Where(service => Text(service, "spec", "clusterIP") is not ("" or "None")).Select(service => new ServiceManifest(
                Text(service, "metadata", "namespace"), Text(service, "metadata", "name"), IPAddress.Parse(Text(service, "spec", "clusterIP"))))]);
    }

    private static PodManifest ReadPod(YamlMappingNode pod, HashSet<string> ambient)
    {
        YamlMappingNode container = (YamlMappingNode)((YamlSequenceNode)Find(pod, "spec", "containers")!).Children[0];
        IPAddress[] addresses = [.. ((YamlSequenceNode)Find(pod, "status", "podIPs")!).Children.Select(entry => IPAddress.Parse(Text(entry, "ip")))];
        Dictionary<string, string> labels = Find(pod, "metadata", "labels") is YamlMappingNode map
            ? map.Children.ToDictionary(entry => entry.Key.ToString(), entry => entry.Value.ToString())
            : [];
        string name = Text(pod, "metadata", "namespace");
        // The CNI plugin enrols a namespace's pods; a waypoint opts out of its own capture, yet the agent must know its namespace (design D1).
        bool isWaypoint = labels.ContainsKey("gateway.networking.k8s.io/gateway-name");
        return new PodManifest(
            name,
            Text(pod, "metadata", "name"),
            addresses[0],
            addresses[1],
            labels,
            Text(pod, "spec", "serviceAccountName") is { Length: > 0 } account ? account : "default",
            Text(container, "image").Split('/')[^1].Split(':')[0],
            Texts(container, "command"),
            Texts(container, "args"),
            isWaypoint || labels.GetValueOrDefault(DataplaneMode, ambient.Contains(name) ? "ambient" : "none") == "ambient");
    }

    private static YamlNode? Find(YamlNode node, params ReadOnlySpan<string> path)
    {
        YamlNode? found = node;
        foreach (string name in path)
        {
            found = found is YamlMappingNode map && map.Children.TryGetValue(new YamlScalarNode(name), out YamlNode? child) ? child : null;
        }
        return found;
    }

    private static string Text(YamlNode node, params ReadOnlySpan<string> path) => Find(node, path)?.ToString() ?? "";

    private static IReadOnlyList<string> Texts(YamlNode node, string name) =>
        Find(node, name) is YamlSequenceNode sequence ? [.. sequence.Children.Select(child => child.ToString())] : [];
}
