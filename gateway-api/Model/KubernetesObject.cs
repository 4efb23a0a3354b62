using System.Collections.Immutable;

namespace Waypoint.GatewayApi.Model;

/// <summary>Where an object was read from; the line is that of its document's first key, counted from 1.</summary>
internal readonly record struct SourceLocation(string File, int Line)
{
    public override string ToString() => Line > 0 ? $"{File}:{Line}" : File;
}

internal sealed record OwnerReference(string Kind, string Name, bool Controller);

/// <summary>The part of metav1.ObjectMeta that decides something.</summary>
internal sealed record ObjectMetadata(
    string Namespace,
    string Name,
    ImmutableSortedDictionary<string, string> Labels,
    ImmutableSortedDictionary<string, string> Annotations,
    DateTimeOffset? CreationTimestamp,
    long Generation,
    bool Deleting,
    ImmutableArray<OwnerReference> OwnerReferences)
{
    public string? Label(string key) => Labels.GetValueOrDefault(key);

    public string? Annotation(string key) => Annotations.GetValueOrDefault(key);
}

/// <summary>
/// What every kind shares. Two readings of the same text have the same <see cref="Version"/> (a hash of the content, or
/// a resourceVersion), which is how an unchanged object is recognised.
/// </summary>
internal readonly record struct ObjectHeader(ObjectMetadata Metadata, SourceLocation Location, string Version);

/// <summary>One object as the user wrote it, immutable.</summary>
internal abstract record KubernetesObject(ObjectKind Kind, ObjectHeader Header)
{
    public ObjectMetadata Metadata => Header.Metadata;

    public SourceLocation Location => Header.Location;

    public string Version => Header.Version;

    public string Namespace => Metadata.Namespace;

    public string Name => Metadata.Name;

    public ObjectKey Key => new(Kind, Namespace, Name);

    public NamespacedName Id => new(Namespace, Name);
}
