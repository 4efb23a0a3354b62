namespace Waypoint.Cluster.Tests.Kubernetes;

/// <summary>Objects that are in the cluster until it is disposed.</summary>
internal sealed class Manifest : IAsyncDisposable
{
    private readonly string _yaml;

    private Manifest(string yaml) => _yaml = yaml;

    public static async Task<Manifest> ApplyAsync(string yaml)
    {
        await Kubectl.ApplyAsync(yaml);
        return new Manifest(yaml);
    }

    public async ValueTask DisposeAsync() => await Kubectl.DeleteAsync(_yaml);
}
