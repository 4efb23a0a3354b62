using Waypoint.Proxy.Xds.Translation.Filters;

namespace Waypoint.Proxy.Tests.Xds;

/// <summary>The filters that the program knows.</summary>
internal static class Catalogue
{
    public static FilterCatalogue Whole { get; } = new([new FaultTranslator(), new CorsTranslator()], []);
}
