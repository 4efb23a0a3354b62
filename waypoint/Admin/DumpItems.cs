using System.Text.Json;

namespace Waypoint.Proxy.Admin;

/// <summary>The items of a list in <c>/config_dump</c>.</summary>
/// <param name="writer">Where they go.</param>
/// <param name="type">The type that each item says of itself where it stands alone; null within its list.</param>
internal readonly struct DumpItems(Utf8JsonWriter writer, string? type)
{
    public void Write(Action<Utf8JsonWriter> fields)
    {
        writer.WriteStartObject();
        if (type is not null)
        {
            writer.WriteString("@type", type);
        }

        fields(writer);
        writer.WriteEndObject();
    }
}
