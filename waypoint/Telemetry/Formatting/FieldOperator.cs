using System.Buffers;
using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json.Nodes;
using System.Text.Json;
using System.Text;

namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary>One command operator of Envoy's format language with its arguments, ready to run.</summary>
internal abstract class FieldOperator
{
    /// <summary>Writes the value as text; false when there is none, and then nothing was written.</summary>
    public abstract bool TryWrite(StreamInfo stream, LineBuffer output);

    /// <summary>Writes the value as a JSON value of its own kind; false when there is none.</summary>
    public virtual bool TryWriteJson(StreamInfo stream, Utf8JsonWriter json, LineBuffer scratch)
    {
        var start = scratch.Length;
        if (!TryWrite(stream, scratch))
        {
            return false;
        }

        json.WriteText(scratch.Written[start..]);
        scratch.Truncate(start);
        return true;
    }
}

/// <summary>Text of ours or of the configuration.</summary>
internal sealed class TextOperator(Func<StreamInfo, string?> read) : FieldOperator
{
    public override bool TryWrite(StreamInfo stream, LineBuffer output)
    {
        if (read(stream) is not { Length: > 0 } text)
        {
            return false;
        }

        output.Text(text);
        return true;
    }
}

/// <summary>Text that came over the wire, byte for byte.</summary>
internal sealed class WireTextOperator(Func<StreamInfo, string?> read) : FieldOperator
{
    public override bool TryWrite(StreamInfo stream, LineBuffer output)
    {
        if (read(stream) is not { } text)
        {
            return false;
        }

        output.WireText(text);
        return true;
    }
}

internal sealed class NumberOperator(Func<StreamInfo, long?> read) : FieldOperator
{
    public override bool TryWrite(StreamInfo stream, LineBuffer output)
    {
        if (read(stream) is not { } number)
        {
            return false;
        }

        output.Format(number);
        return true;
    }

    public override bool TryWriteJson(StreamInfo stream, Utf8JsonWriter json, LineBuffer scratch)
    {
        if (read(stream) is not { } number)
        {
            return false;
        }

        json.WriteNumberValue(number);
        return true;
    }
}

/// <summary>Address and port, or the address alone.</summary>
internal sealed class AddressOperator(Func<StreamInfo, IPEndPoint?> read, bool withPort) : FieldOperator
{
    public override bool TryWrite(StreamInfo stream, LineBuffer output)
    {
        if (read(stream) is not { } address)
        {
            return false;
        }

        if (withPort)
        {
            output.EndPoint(address);
        }
        else
        {
            output.Address(address.Address);
        }

        return true;
    }
}

internal sealed class TimeOperator(TimePattern pattern, Func<StreamInfo, DateTime> read) : FieldOperator
{
    public override bool TryWrite(StreamInfo stream, LineBuffer output)
    {
        pattern.Write(read(stream), output);
        return true;
    }
}

/// <summary>A value out of metadata: text is written plainly, all else as JSON.</summary>
internal sealed class NodeOperator(Func<StreamInfo, JsonNode?> read) : FieldOperator
{
    public override bool TryWrite(StreamInfo stream, LineBuffer output)
    {
        if (read(stream) is not { } node)
        {
            return false;
        }

        output.Text(node is JsonValue value && value.TryGetValue<string>(out var text) ? text : JsonText.Of(node));
        return true;
    }

    public override bool TryWriteJson(StreamInfo stream, Utf8JsonWriter json, LineBuffer scratch)
    {
        if (read(stream) is not { } node)
        {
            return false;
        }

        node.WriteTo(json);
        return true;
    }
}

/// <summary>Nothing: for what Envoy can tell and this version cannot.</summary>
internal sealed class AbsentOperator : FieldOperator
{
    public override bool TryWrite(StreamInfo stream, LineBuffer output) => false;
}

/// <summary>The first so many bytes (<c>%REQ(X):10%</c>).</summary>
internal sealed class ShortenedOperator(FieldOperator inner, int length) : FieldOperator
{
    public override bool TryWrite(StreamInfo stream, LineBuffer output)
    {
        var start = output.Length;
        if (!inner.TryWrite(stream, output))
        {
            return false;
        }

        output.Truncate(start + length);
        return true;
    }
}

internal static class JsonText
{
    /// <summary>Only what JSON demands is escaped, as Envoy does.</summary>
    public static JavaScriptEncoder Encoder => JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>The value as JSON.</summary>
    public static string Of(JsonNode node)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = Encoder }))
        {
            node.WriteTo(json);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Bytes off the wire need not be UTF-8; what is not becomes the replacement character.</summary>
    public static void WriteText(this Utf8JsonWriter json, ReadOnlySpan<byte> text)
    {
        if (System.Text.Unicode.Utf8.IsValid(text))
        {
            json.WriteStringValue(text);
        }
        else
        {
            json.WriteStringValue(Encoding.UTF8.GetString(text));
        }
    }
}
