using Google.Protobuf.WellKnownTypes;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>The configuration of filters at routes and virtual hosts: no filter reads any yet.</summary>
internal static class PerFilterConfig
{
    public static void Report(IEnumerable<KeyValuePair<string, Any>> configs, TranslationScope scope)
    {
        foreach (var (name, _) in configs)
        {
            scope.Unsupported(name);
        }
    }
}
