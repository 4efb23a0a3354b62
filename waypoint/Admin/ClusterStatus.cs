using System.Globalization;
using System.Text;
using System.Text.Json;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Xds;
using Endpoint = Waypoint.Proxy.LoadBalancing.Endpoint;

namespace Waypoint.Proxy.Admin;

/// <summary><c>/clusters</c> in Envoy's two shapes: lines of <c>cluster::endpoint::field::value</c>, or envoy.admin.v3.Clusters as JSON.</summary>
internal sealed class ClusterStatus(MeshModel model)
{
    public Task AnswerAsync(HttpContext context) =>
        context.Request.Query["format"] == "json" ? context.WriteJsonAsync(WriteJson) : context.WriteTextAsync(Text());

    private string Text()
    {
        var text = new StringBuilder();
        foreach (var cluster in model.Clusters)
        {
            Line(text, cluster.Name, "observability_name", cluster.Name);
            Line(text, $"{cluster.Name}::default_priority", "max_connections", cluster.CircuitBreakers.MaxConnections);
            Line(text, $"{cluster.Name}::default_priority", "max_pending_requests", cluster.CircuitBreakers.MaxPendingRequests);
            Line(text, $"{cluster.Name}::default_priority", "max_requests", cluster.CircuitBreakers.MaxRequests);
            Line(text, $"{cluster.Name}::default_priority", "max_retries", cluster.CircuitBreakers.MaxRetries);
            if (cluster.Unusable is { } why)
            {
                Line(text, cluster.Name, "unusable", why);
            }

            foreach (var endpoint in cluster.Endpoints)
            {
                var name = $"{cluster.Name}::{endpoint.Address}";
                Line(text, name, "rq_active", endpoint.State.ActiveRequests);
                Line(text, name, "health_flags", HealthFlags(cluster, endpoint));
                Line(text, name, "weight", endpoint.Weight);
                Line(text, name, "region", endpoint.Locality.Region);
                Line(text, name, "zone", endpoint.Locality.Zone);
                Line(text, name, "sub_zone", endpoint.Locality.SubZone);
                Line(text, name, "priority", endpoint.Priority);
            }
        }

        return text.ToString();
    }

    private static void Line(StringBuilder text, string prefix, string field, object value) =>
        text.Append(CultureInfo.InvariantCulture, $"{prefix}::{field}::{value}\n");

    private static string HealthFlags(Cluster cluster, Endpoint endpoint) => (endpoint.IsHealthy, IsEjected(cluster, endpoint)) switch
    {
        (true, false) => "healthy",
        (false, false) => "/failed_eds_health",
        (true, true) => "/failed_outlier_check",
        (false, true) => "/failed_eds_health/failed_outlier_check",
    };

    private static bool IsEjected(Cluster cluster, Endpoint endpoint) => endpoint.State.IsEjected(cluster.Clock.Time.GetTimestamp());

    private void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("cluster_statuses");
        foreach (var cluster in model.Clusters)
        {
            writer.WriteStartObject();
            writer.WriteString("name", cluster.Name);
            writer.WriteBoolean("added_via_api", true);
            writer.WriteStartArray("host_statuses");
            foreach (var endpoint in cluster.Endpoints)
            {
                WriteHost(writer, cluster, endpoint);
            }

            writer.WriteEndArray();
            writer.WriteString("observability_name", cluster.Name);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteHost(Utf8JsonWriter writer, Cluster cluster, Endpoint endpoint)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("address");
        writer.WriteStartObject("socket_address");
        writer.WriteString("address", endpoint.Address.Address.ToString());
        writer.WriteNumber("port_value", endpoint.Address.Port);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteStartArray("stats");
        writer.WriteStartObject();
        writer.WriteString("type", "GAUGE");
        writer.WriteString("value", endpoint.State.ActiveRequests.ToString(CultureInfo.InvariantCulture));
        writer.WriteString("name", "rq_active");
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteStartObject("health_status");
        writer.WriteString("eds_health_status", endpoint.IsHealthy ? "HEALTHY" : "UNHEALTHY");
        if (IsEjected(cluster, endpoint))
        {
            writer.WriteBoolean("failed_outlier_check", true);
        }

        writer.WriteEndObject();
        writer.WriteNumber("weight", endpoint.Weight);
        writer.WriteNumber("priority", endpoint.Priority);
        writer.WriteStartObject("locality");
        writer.WriteString("region", endpoint.Locality.Region);
        writer.WriteString("zone", endpoint.Locality.Zone);
        writer.WriteString("sub_zone", endpoint.Locality.SubZone);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
