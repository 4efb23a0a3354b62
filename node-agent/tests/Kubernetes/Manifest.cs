using System.Text.Json.Nodes;

namespace Waypoint.NodeAgent.Tests.Kubernetes;

/// <summary>Objects as the API writes them.</summary>
internal static class Manifest
{
    public static JsonObject Namespace(string name, string? dataplaneMode) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name, ["uid"] = $"uid-of-{name}", ["labels"] = Mode(dataplaneMode) },
    };

    public static JsonObject Pod(string @namespace, string name, string uid, string phase = "Running", string? dataplaneMode = null, params string[] addresses) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = @namespace, ["uid"] = uid, ["labels"] = Mode(dataplaneMode) },
        ["spec"] = new JsonObject { ["nodeName"] = "node-1" },
        ["status"] = new JsonObject
        {
            ["phase"] = phase,
            ["podIPs"] = new JsonArray([.. addresses.Select(address => new JsonObject { ["ip"] = address })]),
        },
    };

    private static JsonObject Mode(string? dataplaneMode) =>
        dataplaneMode is null ? [] : new JsonObject { ["istio.io/dataplane-mode"] = dataplaneMode };
}
