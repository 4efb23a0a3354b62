using System.Text.Json;
using Waypoint.Proxy.Listening;

namespace Waypoint.Proxy.Admin;

/// <summary><c>/listeners</c> in Envoy's two shapes. There is one listener: where the nodes send redirected traffic.</summary>
internal sealed class ListenerStatus(ListeningPlane plane)
{
    private const string Name = "redirected";

    public Task AnswerAsync(HttpContext context) =>
        context.Request.Query["format"] == "json"
            ? context.WriteJsonAsync(WriteJson)
            : context.WriteTextAsync($"{Name}::{plane.LocalEndPoint}\n");

    private void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("listener_statuses");
        writer.WriteStartObject();
        writer.WriteString("name", Name);
        writer.WriteStartObject("local_address");
        writer.WriteStartObject("socket_address");
        writer.WriteString("address", plane.LocalEndPoint.Address.ToString());
        writer.WriteNumber("port_value", plane.LocalEndPoint.Port);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
