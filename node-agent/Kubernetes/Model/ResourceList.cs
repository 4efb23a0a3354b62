using System.Text.Json;

namespace Waypoint.NodeAgent.Kubernetes.Model;

internal sealed record ResourceList<T>
{
    public ListMeta Metadata { get => field ?? new(); init; }

    public IReadOnlyList<T>? Items { get; init; }
}

internal sealed record ListMeta
{
    /// <summary>The moment at which the list was true: a watch that begins there misses nothing.</summary>
    public string ResourceVersion { get => field ?? ""; init; }
}

/// <summary>One line of a watch's response.</summary>
/// <param name="Type">ADDED, MODIFIED, DELETED, BOOKMARK or ERROR.</param>
/// <param name="Object">Of the watched kind; of a bookmark only the version; of an error a <see cref="Status"/>.</param>
internal sealed record WatchLine(string Type, JsonElement Object);

/// <summary>Why a request failed.</summary>
internal sealed record Status
{
    public int Code { get; init; }

    public string Reason { get => field ?? ""; init; }

    public string Message { get => field ?? ""; init; }
}
