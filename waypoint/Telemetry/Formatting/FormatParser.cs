using System.Text.RegularExpressions;

namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary>A command as it is written: <c>%NAME(ARGUMENT):LENGTH%</c>.</summary>
internal readonly record struct Command(string Name, string? Argument, int? MaxLength);

/// <summary>Takes a format string apart into text and commands.</summary>
internal static partial class FormatParser
{
    /// <returns>Runs of text and operators, in their order.</returns>
    /// <param name="format">The format.</param>
    /// <param name="unsupported">Told of operators that exist and that this version has no value for.</param>
    /// <exception cref="FormatSyntaxException">It is malformed, or has an operator that is not known.</exception>
    public static IReadOnlyList<(string? Literal, FieldOperator? Operator)> Parse(string format, Action<string> unsupported)
    {
        var parts = new List<(string?, FieldOperator?)>();
        var literal = new System.Text.StringBuilder();
        var at = 0;
        while (at < format.Length)
        {
            var percent = format.IndexOf('%', at);
            if (percent < 0)
            {
                literal.Append(format, at, format.Length - at);
                break;
            }

            literal.Append(format, at, percent - at);
            if (percent + 1 < format.Length && format[percent + 1] == '%')
            {
                literal.Append('%');
                at = percent + 2;
                continue;
            }

            var match = Syntax().Match(format, percent);
            if (!match.Success)
            {
                throw new FormatSyntaxException($"'{format[percent..Math.Min(format.Length, percent + 32)]}' is not a command operator");
            }

            if (literal.Length > 0)
            {
                parts.Add((literal.ToString(), null));
                literal.Clear();
            }

            var argument = match.Groups["argument"];
            var length = match.Groups["length"];
            if (length.Success && (length.Length > 9 || length.Value == "0"))
            {
                throw new FormatSyntaxException($"{match.Groups["name"].Value}: '{length.Value}' is not a length");
            }

            parts.Add((null, OperatorCatalogue.Create(
                new Command(
                    match.Groups["name"].Value,
                    argument.Success ? argument.Value : null,
                    length.Success ? int.Parse(length.Value, System.Globalization.CultureInfo.InvariantCulture) : null),
                unsupported)));
            at = percent + match.Length;
        }

        if (literal.Length > 0)
        {
            parts.Add((literal.ToString(), null));
        }

        return parts;
    }

    // The argument goes to the first parenthesis that a length or the closing percent sign follows: a pattern for times has percent
    // signs in it, an expression has parentheses.
    [GeneratedRegex(@"\G%(?<name>[A-Z_0-9]+)(?:\((?<argument>[^\n]*?)\))?(?::(?<length>[0-9]+))?%", RegexOptions.CultureInvariant)]
    private static partial Regex Syntax();
}
