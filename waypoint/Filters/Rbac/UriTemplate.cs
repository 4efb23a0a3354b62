using System.Text;
using System.Text.RegularExpressions;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.Rbac;

/// <summary>
/// Path templates as Envoy reads them: <c>*</c> is one path element, <c>**</c> any number of characters of the rest (only once, and no operator
/// comes after it), <c>{name}</c> and <c>{name=pattern}</c> are variables, of which only the pattern matters here.
/// </summary>
internal static class UriTemplate
{
    private const int MaxVariables = 5;

    /// <exception cref="FormatException">It is not a template; the message says why.</exception>
    public static Regex Compile(string template)
    {
        if (!template.StartsWith('/'))
        {
            throw new FormatException($"path template '{template}' does not begin with a slash");
        }

        var pattern = new StringBuilder();
        var variables = 0;
        var position = 0;
        var closed = false;
        while (position < template.Length)
        {
            var rest = template.AsSpan(position);
            if (rest[0] == '{')
            {
                var end = rest.IndexOf('}');
                if (end < 0 || rest[1..end].Contains('{') || ++variables > MaxVariables)
                {
                    throw new FormatException($"path template '{template}': a variable without an end, one within another, or more than {MaxVariables}");
                }

                var equals = rest[..end].IndexOf('=');
                Append(pattern, equals < 0 ? "*" : rest[(equals + 1)..end], template, ref closed);
                position += end + 1;
            }
            else
            {
                var next = rest.IndexOf('{');
                var literal = next < 0 ? rest : rest[..next];
                Append(pattern, literal, template, ref closed);
                position += literal.Length;
            }
        }

        return Re2Pattern.FullMatch(pattern.ToString());
    }

    private static void Append(StringBuilder pattern, ReadOnlySpan<char> part, string template, ref bool closed)
    {
        for (var i = 0; i < part.Length; i++)
        {
            if (part[i] != '*')
            {
                pattern.Append(char.IsAsciiLetterOrDigit(part[i]) || part[i] is '/' or '_' or '-' or '%' ? $"{part[i]}" : $"\\{part[i]}");
                continue;
            }

            if (closed)
            {
                throw new FormatException($"path template '{template}': an operator after '**'");
            }

            closed = i + 1 < part.Length && part[i + 1] == '*';
            i += closed ? 1 : 0;
            pattern.Append(closed ? "(?s:.)*" : "[^/]+");
        }
    }
}
