using System.Globalization;

namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary>A pattern for times in the language of <c>strftime</c>, with Envoy's <c>%f</c>, <c>%3f</c> and <c>%s</c>. Times are UTC.</summary>
internal sealed class TimePattern
{
    private readonly (string? Literal, string? Format, Action<DateTime, LineBuffer>? Write)[] _parts;

    private TimePattern(IEnumerable<(string?, string?, Action<DateTime, LineBuffer>?)> parts) => _parts = [.. parts];

    /// <summary>Such as <c>2026-08-22T10:11:12.345Z</c>.</summary>
    public static TimePattern Default { get; } = Parse("%Y-%m-%dT%H:%M:%S.%3fZ");

    /// <exception cref="FormatSyntaxException">It has a conversion that is not known.</exception>
    public static TimePattern Parse(string pattern)
    {
        var parts = new List<(string?, string?, Action<DateTime, LineBuffer>?)>();
        var literal = 0;
        var at = 0;
        while ((at = pattern.IndexOf('%', at)) >= 0)
        {
            if (at > literal)
            {
                parts.Add((pattern[literal..at], null, null));
            }

            var rest = pattern.AsSpan(at + 1);
            parts.Add(Conversion(rest, out var length) ?? throw new FormatSyntaxException($"START_TIME: '%{rest[..Math.Min(2, rest.Length)]}' is not supported"));
            literal = at += 1 + length;
        }

        if (literal < pattern.Length)
        {
            parts.Add((pattern[literal..], null, null));
        }

        return new TimePattern(parts);
    }

    public void Write(DateTime time, LineBuffer output)
    {
        foreach (var (literal, format, write) in _parts)
        {
            if (format is not null)
            {
                output.Format(time, format);
            }
            else if (literal is not null)
            {
                output.Text(literal);
            }
            else
            {
                write!(time, output);
            }
        }
    }

    private static (string?, string?, Action<DateTime, LineBuffer>?)? Conversion(ReadOnlySpan<char> pattern, out int length)
    {
        length = 1;
        if (pattern.IsEmpty)
        {
            return null;
        }

        if (pattern[0] is >= '1' and <= '9' && pattern.Length > 1 && pattern[1] == 'f')
        {
            length = 2;
            return Fraction(pattern[0] - '0');
        }

        // absl's %E3S: seconds with so many digits.
        if (pattern[0] == 'E' && pattern.Length > 2 && pattern[1] is >= '0' and <= '7' && pattern[2] == 'S')
        {
            length = 3;
            return (null, pattern[1] == '0' ? "ss" : "ss." + new string('f', pattern[1] - '0'), null);
        }

        return pattern[0] switch
        {
            'Y' => (null, "yyyy", null),
            'y' => (null, "yy", null),
            'm' => (null, "MM", null),
            'd' => (null, "dd", null),
            'e' => (null, null, static (time, output) => Padded(time.Day, 2, output)),
            'H' => (null, "HH", null),
            'I' => (null, "hh", null),
            'M' => (null, "mm", null),
            'S' => (null, "ss", null),
            'f' => Fraction(9),
            's' => (null, null, static (time, output) => output.Format(new DateTimeOffset(time, TimeSpan.Zero).ToUnixTimeSeconds())),
            'j' => (null, null, static (time, output) => output.Format(time.DayOfYear, "D3")),
            'u' => (null, null, static (time, output) => output.Format(time.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)time.DayOfWeek)),
            'w' => (null, null, static (time, output) => output.Format((int)time.DayOfWeek)),
            'b' or 'h' => (null, "MMM", null),
            'B' => (null, "MMMM", null),
            'a' => (null, "ddd", null),
            'A' => (null, "dddd", null),
            'p' => (null, "tt", null),
            'F' => (null, "yyyy-MM-dd", null),
            'T' => (null, "HH:mm:ss", null),
            'R' => (null, "HH:mm", null),
            'D' => (null, "MM/dd/yy", null),
            'c' => (null, null, static (time, output) =>
            {
                output.Format(time, "ddd MMM ");
                Padded(time.Day, 2, output);
                output.Format(time, " HH:mm:ss yyyy");
            }),
            'z' => ("+0000", null, null),
            'Z' => ("UTC", null, null),
            't' => ("\t", null, null),
            '%' => ("%", null, null),
            _ => null,
        };
    }

    // .NET's clock has seven digits.
    private static (string?, string?, Action<DateTime, LineBuffer>?) Fraction(int digits) => digits <= 7
        ? (null, digits == 1 ? "%f" : new string('f', digits), null)
        : (null, null, (time, output) =>
        {
            output.Format(time, "fffffff");
            output.Bytes("00"u8[..(digits - 7)]);
        });

    private static void Padded(int number, int width, LineBuffer output) =>
        output.Text(number.ToString(CultureInfo.InvariantCulture).PadLeft(width));
}
