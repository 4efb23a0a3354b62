using Waypoint.TestBed;
using Waypoint.TestBed.Mesh;

namespace Waypoint.Mesh.Tests;

/// <summary>
/// One mesh for all whole-mesh tests: the demo's configuration and that of <c>config/</c>. Tests run one after the other and leave it
/// as they found it.
/// </summary>
public sealed class DemoMesh : IAsyncLifetime
{
    public LocalMesh Mesh { get; private set; } = null!;

    public Pod Client => Mesh["client"];

    public Pod Stranger => Mesh["stranger"];

    public async Task InitializeAsync() => Mesh = await LocalMesh.StartAsync(
        Path.Combine(Programs.RepositoryRoot, "deploy", "demo"),
        Path.Combine(Programs.RepositoryRoot, "tests", "mesh", "config"));

    public async Task DisposeAsync() => await Mesh.DisposeAsync();
}

[CollectionDefinition(Name)]
public sealed class WholeMesh : ICollectionFixture<DemoMesh>
{
    public const string Name = "whole mesh";
}
