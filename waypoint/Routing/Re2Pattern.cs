using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Waypoint.Proxy.Routing;

/// <summary>A pattern that this program cannot honour exactly as RE2 would; the message says why.</summary>
internal sealed class Re2PatternException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Turns RE2 patterns (what Envoy takes) into .NET ones that mean the same, on the engine that, like RE2, is linear in its
/// input whatever the pattern. What has no equal (<c>\C</c>, flag <c>U</c>) or would be too large an automaton is refused.
/// </summary>
internal static class Re2Pattern
{
    /// <summary>The pattern must match the whole value (<c>safe_regex</c> in matchers).</summary>
    /// <exception cref="Re2PatternException">The pattern is not RE2, or not supported.</exception>
    public static Regex FullMatch(string pattern) => Compile(pattern, @"\A(?:", @")\z");

    /// <summary>The pattern may match any part of the value (<c>regex_rewrite</c>).</summary>
    /// <exception cref="Re2PatternException">The pattern is not RE2, or not supported.</exception>
    public static Regex Search(string pattern) => Compile(pattern, "", "");

    /// <summary>
    /// What every value that matches begins with, as far as it is plain to see; often empty. It lets an index pass over patterns
    /// that cannot match, each of which costs some 400 ns to try.
    /// </summary>
    public static string LiteralPrefix(string pattern)
    {
        // An alternative may begin with anything, and a group may change what letters mean.
        if (pattern.Contains('|'))
        {
            return "";
        }

        var prefix = new StringBuilder();
        for (var i = pattern.StartsWith('^') ? 1 : 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c == '\\' && i + 1 < pattern.Length && !char.IsAsciiLetterOrDigit(pattern[i + 1]))
            {
                c = pattern[++i];
            }
            else if ("\\.+*?()[]{}^$".Contains(c))
            {
                break;
            }

            // A quantifier makes the character before it optional, or more of them.
            if (i + 1 < pattern.Length && pattern[i + 1] is ('*' or '?' or '{'))
            {
                break;
            }

            prefix.Append(c);
        }

        return prefix.ToString();
    }

    private static Regex Compile(string pattern, string before, string after)
    {
        var translated = new Translation(pattern).Run();
        try
        {
            return new Regex(before + translated + after, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new Re2PatternException($"regular expression '{pattern}': {e.Message}", e);
        }
    }

    /// <summary>One walk over one pattern. .NET and RE2 share most of their syntax; only what differs is rewritten.</summary>
    private sealed class Translation(string pattern)
    {
        private const string Digits = "0-9";
        private const string WordCharacters = "0-9A-Za-z_";
        private const string Spaces = @"\t\n\f\r ";

        private readonly StringBuilder _output = new(pattern.Length + 16);
        private int _position;
        private bool _multiline;

        public string Run()
        {
            while (_position < pattern.Length)
            {
                var c = pattern[_position];
                switch (c)
                {
                    case '\\':
                        Escape(inClass: false);
                        break;
                    case '[':
                        Class();
                        break;
                    case '(':
                        Group();
                        break;
                    case '$' when !_multiline:
                        // RE2's $ is the end of the text; .NET's also stands before a last newline.
                        Replace(@"\z", 1);
                        break;
                    default:
                        Replace(c.ToString(), 1);
                        break;
                }
            }

            return _output.ToString();
        }

        private void Replace(string text, int consumed)
        {
            _output.Append(text);
            _position += consumed;
        }

        private Re2PatternException Refuse(string why) =>
            new($"regular expression '{pattern}': {why} (at character {_position + 1})");

        private void Group()
        {
            var rest = pattern.AsSpan(_position);
            if (!rest.StartsWith("(?"))
            {
                Replace("(", 1);
                return;
            }

            if (rest.StartsWith("(?P<"))
            {
                Replace("(?<", 4);
                return;
            }

            if (rest.StartsWith("(?:"))
            {
                Replace("(?:", 3);
                return;
            }

            if (rest.StartsWith("(?<") && rest.Length > 3 && char.IsAsciiLetter(rest[3]))
            {
                Replace("(?<", 3);
                return;
            }

            Flags(rest);
        }

        // (?flags) and (?flags:…); only i, m, s mean the same on both sides.
        private void Flags(ReadOnlySpan<char> rest)
        {
            var end = rest.IndexOfAny(')', ':');
            var flags = end < 0 ? default : rest[2..end];
            if (flags.IsEmpty || flags.ContainsAnyExcept("ims-"))
            {
                throw Refuse("RE2 has no such group, or a flag that is not supported");
            }

            if (flags.Contains('m'))
            {
                var minus = flags.IndexOf('-');
                _multiline = minus < 0 || flags.IndexOf('m') < minus;
            }

            Replace(rest[..(end + 1)].ToString(), end + 1);
        }

        private void Escape(bool inClass)
        {
            if (_position + 1 >= pattern.Length)
            {
                throw Refuse(@"a \ at the end");
            }

            var c = pattern[_position + 1];
            switch (c)
            {
                case 'd':
                    Replace(inClass ? Digits : $"[{Digits}]", 2);
                    break;
                case 'w':
                    Replace(inClass ? WordCharacters : $"[{WordCharacters}]", 2);
                    break;
                case 's':
                    Replace(inClass ? Spaces : $"[{Spaces}]", 2);
                    break;
                case 'D' when !inClass:
                    Replace($"[^{Digits}]", 2);
                    break;
                case 'W' when !inClass:
                    Replace($"[^{WordCharacters}]", 2);
                    break;
                case 'S' when !inClass:
                    Replace($"[^{Spaces}]", 2);
                    break;
                case 'Q':
                    Quotation();
                    break;
                case 'x' when _position + 2 < pattern.Length && pattern[_position + 2] == '{':
                    BracedCodePoint();
                    break;
                case 'p' or 'P' when _position + 2 < pattern.Length && char.IsAsciiLetter(pattern[_position + 2]):
                    Replace($@"\{c}{{{pattern[_position + 2]}}}", 3);
                    break;
                case 'a' or 'f' or 't' or 'n' or 'r' or 'v' or 'x' or 'p' or 'P':
                case 'b' or 'B' or 'A' or 'z' when !inClass:
                    Replace($@"\{c}", 2);
                    break;
                case '_':
                    Replace("_", 2);
                    break;
                case >= '0' and <= '7' when c == '0' || IsOctal(_position + 2):
                    Octal();
                    break;
                default:
                    if (char.IsAsciiLetterOrDigit(c))
                    {
                        throw Refuse($@"RE2 has no escape \{c}, or it is not supported");
                    }

                    Replace($@"\{c}", 2);
                    break;
            }
        }

        private bool IsOctal(int at) => at < pattern.Length && pattern[at] is >= '0' and <= '7';

        private void Octal()
        {
            var end = _position + 1;
            var value = 0;
            while (end < _position + 4 && IsOctal(end))
            {
                value = (value * 8) + (pattern[end] - '0');
                end++;
            }

            Replace($@"\u{value:X4}", end - _position);
        }

        private void BracedCodePoint()
        {
            var end = pattern.IndexOf('}', _position);
            if (end < 0
                || !int.TryParse(pattern.AsSpan(_position + 3, end - _position - 3), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
                || value > char.MaxValue)
            {
                throw Refuse("a code point that is not hexadecimal, or above U+FFFF");
            }

            Replace($@"\u{value:X4}", end + 1 - _position);
        }

        private void Quotation()
        {
            var end = pattern.IndexOf(@"\E", _position + 2, StringComparison.Ordinal);
            var quoted = end < 0 ? pattern[(_position + 2)..] : pattern[(_position + 2)..end];
            Replace(Regex.Escape(quoted).Replace("]", @"\]", StringComparison.Ordinal), quoted.Length + (end < 0 ? 2 : 4));
        }

        private void Class()
        {
            Replace("[", 1);
            if (_position < pattern.Length && pattern[_position] == '^')
            {
                Replace("^", 1);
            }

            // A ] that comes first is a member.
            if (_position < pattern.Length && pattern[_position] == ']')
            {
                Replace(@"\]", 1);
            }

            while (_position < pattern.Length && pattern[_position] != ']')
            {
                if (pattern.AsSpan(_position).StartsWith("[:"))
                {
                    NamedClass();
                }
                else if (pattern[_position] == '\\')
                {
                    Escape(inClass: true);
                }
                else if (pattern[_position] == '[')
                {
                    // Without the escape .NET would read [a-z-[b]] as a subtraction.
                    Replace(@"\[", 1);
                }
                else
                {
                    Replace(pattern[_position].ToString(), 1);
                }
            }

            if (_position == pattern.Length)
            {
                throw Refuse("a [ without its ]");
            }

            Replace("]", 1);
        }

        private void NamedClass()
        {
            var end = pattern.IndexOf(":]", _position, StringComparison.Ordinal);
            var name = end < 0 ? "" : pattern[(_position + 2)..end];
            var members = name switch
            {
                "alnum" => "0-9A-Za-z",
                "alpha" => "A-Za-z",
                "ascii" => @"\x00-\x7F",
                "blank" => @"\t ",
                "cntrl" => @"\x00-\x1F\x7F",
                "digit" => Digits,
                "graph" => "!-~",
                "lower" => "a-z",
                "print" => " -~",
                "punct" => @"!-/:-@\[-`{-~",
                "space" => @"\t\n\v\f\r ",
                "upper" => "A-Z",
                "word" => WordCharacters,
                "xdigit" => "0-9A-Fa-f",
                _ => throw Refuse($"the class [:{name}:] is unknown or not supported"),
            };
            Replace(members, end + 2 - _position);
        }
    }
}
