using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Translation;

/// <summary>Whom a resource is for.</summary>
internal static class Scopes
{
    /// <summary>WDS: the same for every client.</summary>
    public const string Mesh = "mesh";

    /// <summary>Listeners, clusters and endpoints: the pods of one waypoint.</summary>
    public static string Waypoint(NamespacedName gateway) => $"waypoint {gateway}";
}
