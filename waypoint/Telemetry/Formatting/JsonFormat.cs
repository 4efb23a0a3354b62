using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;

namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary>
/// A line of JSON: a text that is one operator becomes a value of the operator's kind, or null when there is none; any other text a
/// string. Properties come sorted by name, as from Envoy, whether that was asked for or not. Immutable.
/// </summary>
internal sealed class JsonFormat
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JsonText.Encoder, SkipValidation = true };

    [ThreadStatic]
    private static (Utf8JsonWriter Writer, LineBuffer Scratch)? t_shared;

    private readonly Node _root;

    private JsonFormat(Node root) => _root = root;

    /// <param name="format">The object to write, with format strings in it.</param>
    /// <param name="omitEmpty">Within a longer text, what has no value is left out instead of written as <c>-</c>.</param>
    /// <param name="unsupported">Told of operators that exist and that this version has no value for.</param>
    /// <exception cref="FormatSyntaxException">A format string in it cannot be used.</exception>
    public static JsonFormat Compile(Struct format, bool omitEmpty, Action<string> unsupported) =>
        new(Compile(Value.ForStruct(format), omitEmpty, unsupported));

    public void Write(StreamInfo stream, LineBuffer output)
    {
        var (json, scratch) = t_shared ??= (new Utf8JsonWriter(Stream.Null, Options), new LineBuffer());
        json.Reset(output);
        scratch.Truncate(0);
        Write(_root, stream, json, scratch);
        json.Flush();
        output.Bytes("\n"u8);
    }

    private static Node Compile(Value value, bool omitEmpty, Action<string> unsupported)
    {
        switch (value.KindCase)
        {
            case Value.KindOneofCase.StructValue:
                return new ObjectNode([.. value.StructValue.Fields
                    .OrderBy(field => field.Key, StringComparer.Ordinal)
                    .Select(field => (JsonEncodedText.Encode(field.Key, JsonText.Encoder), Compile(field.Value, omitEmpty, unsupported)))]);
            case Value.KindOneofCase.ListValue:
                return new ListNode([.. value.ListValue.Values.Select(item => Compile(item, omitEmpty, unsupported))]);
            case Value.KindOneofCase.StringValue:
                var text = TextFormat.Compile(value.StringValue, omitEmpty, unsupported);
                return text.Single is { } single ? new ValueNode(single) : new TextNode(text);
            case Value.KindOneofCase.NumberValue when !double.IsInteger(value.NumberValue):
                // Envoy's way with fractions.
                return new TextNode(TextFormat.Compile(value.NumberValue.ToString("R", CultureInfo.InvariantCulture), omitEmpty, unsupported));
            default:
                return new LiteralNode(Encoding.UTF8.GetBytes(Google.Protobuf.JsonFormatter.Default.Format(value)));
        }
    }

    private static void Write(Node node, StreamInfo stream, Utf8JsonWriter json, LineBuffer scratch)
    {
        switch (node)
        {
            case ValueNode value:
                if (!value.Operator.TryWriteJson(stream, json, scratch))
                {
                    json.WriteNullValue();
                }

                break;
            case TextNode text:
                text.Format.Write(stream, scratch);
                json.WriteText(scratch.Written);
                scratch.Truncate(0);
                break;
            case LiteralNode literal:
                json.WriteRawValue(literal.Json, skipInputValidation: true);
                break;
            case ListNode list:
                json.WriteStartArray();
                foreach (var item in list.Items)
                {
                    Write(item, stream, json, scratch);
                }

                json.WriteEndArray();
                break;
            default:
                json.WriteStartObject();
                foreach (var (name, field) in ((ObjectNode)node).Fields)
                {
                    json.WritePropertyName(name);
                    Write(field, stream, json, scratch);
                }

                json.WriteEndObject();
                break;
        }
    }

    private abstract record Node;

    private sealed record ValueNode(FieldOperator Operator) : Node;

    private sealed record TextNode(TextFormat Format) : Node;

    private sealed record LiteralNode(byte[] Json) : Node;

    private sealed record ListNode(Node[] Items) : Node;

    private sealed record ObjectNode((JsonEncodedText Name, Node Value)[] Fields) : Node;
}
