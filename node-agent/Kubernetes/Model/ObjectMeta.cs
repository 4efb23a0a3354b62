namespace Waypoint.NodeAgent.Kubernetes.Model;

/// <summary>
/// An object of the API, as far as it is read here. What it lacks is empty, which getters see to: the generated readers set every property
/// that is init-only, to null when the object has none.
/// </summary>
internal interface IKubernetesObject
{
    ObjectMeta Metadata { get; }
}

internal sealed record ObjectMeta
{
    public string Name { get => field ?? ""; init; }

    /// <summary>Empty for what belongs to the whole cluster.</summary>
    public string Namespace { get => field ?? ""; init; }

    /// <summary>Never used again, unlike the name.</summary>
    public string Uid { get => field ?? ""; init; }

    public string ResourceVersion { get => field ?? ""; init; }

    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    public string? Label(string name) => Labels?.GetValueOrDefault(name);

    public string? Annotation(string name) => Annotations?.GetValueOrDefault(name);
}
