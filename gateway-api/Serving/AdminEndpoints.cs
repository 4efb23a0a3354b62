using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Validation;
using Waypoint.Xds.Delta;
using Waypoint.Xds.Delta.Server;
using Waypoint.Xds.Metrics;

namespace Waypoint.GatewayApi.Serving;

/// <summary>What an operator asks a control plane over HTTP.</summary>
internal static class AdminEndpoints
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    public static void Map(IEndpointRouteBuilder routes, ControlPlane controlPlane, PrometheusExporter metrics)
    {
        routes.MapGet("/metrics", (RequestDelegate)(context => metrics.WriteAsync(context.Response)));
        routes.MapGet("/ready", (RequestDelegate)(context => ReadyAsync(context, controlPlane)));
        routes.MapGet("/debug/resources", (RequestDelegate)(context => WriteAsync(context, writer => WriteResources(writer, context.Request, controlPlane))));
        routes.MapGet("/debug/status", (RequestDelegate)(context => WriteAsync(context, writer => WriteStatus(writer, controlPlane))));
        routes.MapGet("/debug/clients", (RequestDelegate)(context => WriteAsync(context, writer => WriteClients(writer, controlPlane))));
    }

    private static Task ReadyAsync(HttpContext context, ControlPlane controlPlane)
    {
        bool ready = controlPlane.Ready.IsCompletedSuccessfully;
        context.Response.StatusCode = ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return context.Response.WriteAsync(ready ? "ready\n" : "the source has not been read yet\n");
    }

    private static async Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> write)
    {
        context.Response.ContentType = "application/json";
        Utf8JsonWriter writer = new(context.Response.BodyWriter, Indented);
        await using (writer.ConfigureAwait(false))
        {
            write(writer);
        }
    }

    /// <summary>What is served, by scope and type; the query may narrow it with <c>scope</c>, <c>type</c> and <c>name</c>.</summary>
    private static void WriteResources(Utf8JsonWriter writer, HttpRequest request, ControlPlane controlPlane)
    {
        string? scope = request.Query["scope"];
        string? type = request.Query["type"];
        string? name = request.Query["name"];
        writer.WriteStartObject();
        foreach (var scopes in controlPlane.Store.Snapshot().Where(table => scope is null || table.Scope == scope).GroupBy(table => table.Scope))
        {
            writer.WriteStartObject(scopes.Key);
            foreach ((_, string typeUrl, IReadOnlyList<ServedResource> resources) in scopes
                .Where(table => type is null || table.TypeUrl.EndsWith(type, StringComparison.OrdinalIgnoreCase)))
            {
                writer.WriteStartArray(typeUrl);
                foreach (ServedResource resource in resources.Where(resource => name is null || resource.Name == name).OrderBy(resource => resource.Name, StringComparer.Ordinal))
                {
                    writer.WriteStartObject();
                    writer.WriteString("name", resource.Name);
                    writer.WriteString("version", resource.Version);
                    writer.WritePropertyName("resource");
                    writer.WriteRawValue(ResourceJson.Format(new Any { TypeUrl = resource.TypeUrl, Value = resource.Body }));
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteStatus(Utf8JsonWriter writer, ControlPlane controlPlane)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("ready", controlPlane.Ready.IsCompletedSuccessfully);
        writer.WriteNumber("objects", controlPlane.ObjectCount);
        writer.WriteStartArray("source");
        foreach (Diagnostic diagnostic in controlPlane.Diagnostics)
        {
            writer.WriteStartObject();
            writer.WriteString("severity", diagnostic.Severity.ToString());
            writer.WriteString("file", diagnostic.Location.File);
            writer.WriteNumber("line", diagnostic.Location.Line);
            writer.WriteString("object", diagnostic.Object);
            writer.WriteString("field", diagnostic.Field);
            writer.WriteString("reason", diagnostic.Reason);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("services");
        foreach ((NamespacedName service, string problem) in controlPlane.BindingProblems)
        {
            writer.WriteStartObject();
            writer.WriteString("service", service.ToString());
            writer.WriteString("problem", problem);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("routes");
        foreach (RouteStatus route in controlPlane.Routes)
        {
            WriteRoute(writer, route);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteRoute(Utf8JsonWriter writer, RouteStatus route)
    {
        writer.WriteStartObject();
        writer.WriteString("kind", route.Route.Kind.ToString());
        writer.WriteString("namespace", route.Route.Namespace);
        writer.WriteString("name", route.Route.Name);
        writer.WriteString("source", route.Location.ToString());
        writer.WriteStartArray("parents");
        foreach (ParentStatus parent in route.Parents)
        {
            writer.WriteStartObject();
            writer.WriteStartObject("parentRef");
            writer.WriteString("group", parent.Parent.Group);
            writer.WriteString("kind", parent.Parent.Kind);
            writer.WriteString("namespace", parent.Parent.Namespace);
            writer.WriteString("name", parent.Parent.Name);
            if (parent.Parent.SectionName is { } section)
            {
                writer.WriteString("sectionName", section);
            }

            if (parent.Parent.Port is { } port)
            {
                writer.WriteNumber("port", port);
            }

            writer.WriteEndObject();
            writer.WriteString("controllerName", WellKnown.ControllerName);
            writer.WriteStartArray("conditions");
            foreach (Condition condition in parent.Conditions)
            {
                writer.WriteStartObject();
                writer.WriteString("type", condition.Type);
                writer.WriteString("status", condition.Status ? "True" : "False");
                writer.WriteString("reason", condition.Reason);
                writer.WriteString("message", condition.Message);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteClients(Utf8JsonWriter writer, ControlPlane controlPlane)
    {
        writer.WriteStartArray();
        foreach (ConnectedClient client in controlPlane.Server.Clients)
        {
            writer.WriteStartObject();
            writer.WriteString("node", client.Node);
            writer.WriteString("peer", client.Peer.ToString());
            writer.WriteString("since", client.Since);
            writer.WriteStartArray("types");
            foreach (ConnectedType type in client.Types)
            {
                writer.WriteStartObject();
                writer.WriteString("type", type.TypeUrl);
                writer.WriteBoolean("wildcard", type.Wildcard);
                writer.WriteNumber("names", type.Names);
                writer.WriteBoolean("awaited", type.Awaited);
                writer.WriteNumber("accepted", type.Accepted);
                writer.WriteNumber("rejected", type.Rejected);
                if (type.LastAnswer is { } answered)
                {
                    writer.WriteString("lastAnswer", answered);
                }

                if (type.LastRejection is { } rejection)
                {
                    writer.WriteString("lastRejection", rejection);
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
