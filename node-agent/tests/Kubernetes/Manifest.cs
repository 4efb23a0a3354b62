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

    public static JsonObject Service(string @namespace, string name, string address, params (string Name, string Protocol, int Port)[] ports) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = @namespace, ["uid"] = $"uid-of-{name}" },
        ["spec"] = new JsonObject
        {
            ["type"] = "ClusterIP",
            ["clusterIP"] = address,
            ["clusterIPs"] = new JsonArray(address),
            ["ports"] = new JsonArray([.. ports.Select(port => new JsonObject { ["name"] = port.Name, ["protocol"] = port.Protocol, ["port"] = port.Port })]),
        },
        ["status"] = new JsonObject { ["loadBalancer"] = new JsonObject() },
    };

    /// <summary>The IPv4 endpoints of a service's port, as the control plane of Kubernetes writes them.</summary>
    public static JsonObject EndpointSlice(string @namespace, string service, string port, int target, params string[] addresses) => new()
    {
        ["metadata"] = new JsonObject
        {
            ["name"] = $"{service}-x7k2p", ["namespace"] = @namespace, ["labels"] = new JsonObject { ["kubernetes.io/service-name"] = service },
        },
        ["addressType"] = "IPv4",
        ["endpoints"] = new JsonArray([.. addresses.Select(address => new JsonObject
        {
            ["addresses"] = new JsonArray(address),
            ["conditions"] = new JsonObject { ["ready"] = true, ["serving"] = true, ["terminating"] = false },
            ["nodeName"] = "node-1",
        })]),
        ["ports"] = new JsonArray(new JsonObject { ["name"] = port, ["protocol"] = "TCP", ["port"] = target }),
    };

    private static JsonObject Mode(string? dataplaneMode) =>
        dataplaneMode is null ? [] : new JsonObject { ["istio.io/dataplane-mode"] = dataplaneMode };
}
