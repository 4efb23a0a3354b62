using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Sources;

/// <summary>
/// Changes that become true together. <see cref="Noticed"/> is when the source learnt of them (a Stopwatch timestamp), so
/// that the time until they are served can be measured.
/// </summary>
internal sealed record ObjectBatch(IReadOnlyList<KubernetesObject> Upserts, IReadOnlyList<ObjectKey> Removals, long Noticed)
{
    public bool IsEmpty => Upserts.Count == 0 && Removals.Count == 0;
}

/// <summary>Where objects come from: a folder of YAML, or a Kubernetes API server.</summary>
internal interface IObjectSource
{
    /// <summary>What is wrong with the source's content at this moment. Safe to read from any thread.</summary>
    IReadOnlyList<Diagnostic> Diagnostics { get; }

    /// <summary>The first batch is everything there is, and may be empty; then one batch for each change.</summary>
    IAsyncEnumerable<ObjectBatch> ReadAsync(CancellationToken cancellation);
}
