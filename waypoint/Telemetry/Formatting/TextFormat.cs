using System.Text;

namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary>A format string of Envoy's, compiled once: runs of bytes and operators. Immutable.</summary>
internal sealed class TextFormat
{
    private readonly (byte[]? Literal, FieldOperator? Operator)[] _parts;
    private readonly bool _omitEmpty;

    private TextFormat(IEnumerable<(string? Literal, FieldOperator? Operator)> parts, bool omitEmpty)
    {
        _parts = [.. parts.Select(part => (part.Literal is null ? null : Encoding.UTF8.GetBytes(part.Literal), part.Operator))];
        _omitEmpty = omitEmpty;
    }

    /// <summary>The text itself when there is no operator in it; null otherwise.</summary>
    public string? Literal => _parts switch
    {
        [] => "",
        [{ Literal: { } only }] => Encoding.UTF8.GetString(only),
        _ => null,
    };

    /// <summary>The operator when there is nothing else; null otherwise.</summary>
    public FieldOperator? Single => _parts is [{ Operator: { } only }] ? only : null;

    /// <param name="format">The format.</param>
    /// <param name="omitEmpty">What has no value is left out instead of written as <c>-</c>.</param>
    /// <param name="unsupported">Told of operators that exist and that this version has no value for.</param>
    /// <exception cref="FormatSyntaxException">It is malformed, or has an operator that is not known.</exception>
    public static TextFormat Compile(string format, bool omitEmpty, Action<string> unsupported) =>
        new(FormatParser.Parse(format, unsupported), omitEmpty);

    public void Write(StreamInfo stream, LineBuffer output)
    {
        foreach (var (literal, field) in _parts)
        {
            if (literal is not null)
            {
                output.Bytes(literal);
            }
            else if (!field!.TryWrite(stream, output) && !_omitEmpty)
            {
                output.Bytes("-"u8);
            }
        }
    }

    /// <summary>The text as a header's value: one char a byte, as header values are held.</summary>
    public string ToHeaderValue(StreamInfo stream)
    {
        var buffer = LineBuffer.Shared;
        Write(stream, buffer);
        return Encoding.Latin1.GetString(buffer.Written);
    }
}
