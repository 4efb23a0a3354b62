using System.Buffers;
using System.Globalization;
using System.Text;

namespace Waypoint.Xds.Metrics;

/// <summary>Prometheus' text format, version 0.0.4.</summary>
internal ref struct ExpositionWriter
{
    private readonly IBufferWriter<byte> _output;
    private Span<byte> _space;
    private int _written;

    public ExpositionWriter(IBufferWriter<byte> output)
    {
        _output = output;
    }

    public void Header(string name, string type, string help)
    {
        Write("# HELP ");
        Write(name);
        Write(" ");
        Write(help.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal));
        Write("\n# TYPE ");
        Write(name);
        Write(" ");
        Write(type);
        Write("\n");
    }

    public void Sample(string name, string suffix, string labels, string moreLabels, double value)
    {
        Write(name);
        Write(suffix);
        if (labels.Length + moreLabels.Length > 0)
        {
            Write("{");
            Write(labels);
            Write(labels.Length > 0 && moreLabels.Length > 0 ? "," : "");
            Write(moreLabels);
            Write("}");
        }

        Write(" ");
        Write(Text(value));
        Write("\n");
    }

    /// <summary>Hands over what has been written since the last time.</summary>
    public void Flush()
    {
        // Kestrel's writer throws when it is advanced before it gave any space.
        if (_written > 0)
        {
            _output.Advance(_written);
        }

        _space = default;
        _written = 0;
    }

    public static string Text(double value)
        => double.IsPositiveInfinity(value) ? "+Inf"
            : double.IsNegativeInfinity(value) ? "-Inf"
            : value.ToString(CultureInfo.InvariantCulture);

    public static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var text = new StringBuilder();
        foreach (var (key, value) in tags)
        {
            text.Append(text.Length == 0 ? "" : ",").Append(SafeName(key)).Append("=\"");
            foreach (var character in Convert.ToString(value is bool flag ? (flag ? "true" : "false") : value, CultureInfo.InvariantCulture) ?? "")
            {
                _ = character switch
                {
                    '\\' => text.Append(@"\\"),
                    '"' => text.Append("\\\""),
                    '\n' => text.Append(@"\n"),
                    _ => text.Append(character),
                };
            }

            text.Append('"');
        }

        return text.ToString();
    }

    /// <summary>The name with what the format does not allow replaced by underscores.</summary>
    public static string SafeName(string name)
        => string.Create(char.IsAsciiDigit(name[0]) ? name.Length + 1 : name.Length, name, static (safe, name) =>
        {
            safe[0] = '_';
            var target = safe[^name.Length..];
            for (var i = 0; i < name.Length; i++)
            {
                target[i] = char.IsAsciiLetterOrDigit(name[i]) || name[i] == ':' ? name[i] : '_';
            }
        });

    private void Write(string text)
    {
        var most = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (_space.Length - _written < most)
        {
            Flush();
            _space = _output.GetSpan(Math.Max(most, 4096));
        }

        _written += Encoding.UTF8.GetBytes(text, _space[_written..]);
    }
}
