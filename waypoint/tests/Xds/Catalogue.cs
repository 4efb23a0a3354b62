using Microsoft.Extensions.DependencyInjection;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Xds.Translation.Filters;

namespace Waypoint.Proxy.Tests.Xds;

/// <summary>The filters that the program knows.</summary>
internal static class Catalogue
{
    public static FilterCatalogue Whole { get; } = For(new MeshState());

    /// <summary>Filters that know peers by this mesh's workloads.</summary>
    public static FilterCatalogue For(MeshState mesh, TimeProvider? time = null) =>
        new ServiceCollection().AddSingleton(mesh).AddSingleton(time ?? TimeProvider.System).AddFilters().BuildServiceProvider().GetRequiredService<FilterCatalogue>();
}
