using System.Globalization;
using System.Text;
using Waypoint.Proxy.Telemetry.Formatting;

namespace Waypoint.Proxy.Telemetry.Expressions;

internal enum CelToken
{
    End,
    Name,
    Number,
    Text,
    Symbol,
}

/// <summary>The words of an expression, one at a time.</summary>
internal sealed class CelTokens(string source)
{
    private static readonly string[] Symbols = ["&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "?", ":", "(", ")", "[", "]", ".", ",", "+", "-", "*", "/", "%"];

    // A chain of operators is as deep a tree as it is long, and is walked by recursion, whose overflow could not be caught.
    private const int MostWords = 2000;

    /// <summary>In characters; the reason goes back to the control plane.</summary>
    private const int MostTold = 1000;

    private int _at;
    private int _words;

    public CelToken Kind { get; private set; }

    /// <summary>The word, or the text of a literal.</summary>
    public string Word { get; private set; } = "";

    public CelValue Number { get; private set; }

    public FormatSyntaxException Error(string reason) => new($"expression '{(source.Length > MostTold ? $"{source[..MostTold]}…" : source)}': {reason}");

    public void Next()
    {
        while (_at < source.Length && char.IsWhiteSpace(source[_at]))
        {
            _at++;
        }

        if (_at == source.Length)
        {
            (Kind, Word) = (CelToken.End, "the end");
            return;
        }

        if (++_words > MostWords)
        {
            throw Error($"more than {MostWords} words");
        }

        var first = source[_at];
        if (first is '\'' or '"')
        {
            ReadText(isRaw: false);
        }
        else if (first is 'r' or 'R' && _at + 1 < source.Length && source[_at + 1] is '\'' or '"')
        {
            _at++;
            ReadText(isRaw: true);
        }
        else if (char.IsAsciiDigit(first))
        {
            ReadNumber();
        }
        else if (char.IsAsciiLetter(first) || first == '_')
        {
            var end = _at;
            while (end < source.Length && (char.IsAsciiLetterOrDigit(source[end]) || source[end] == '_'))
            {
                end++;
            }

            (Kind, Word) = (CelToken.Name, source[_at..end]);
            _at = end;
        }
        else if (Array.Find(Symbols, symbol => source.AsSpan(_at).StartsWith(symbol, StringComparison.Ordinal)) is { } symbol)
        {
            (Kind, Word) = (CelToken.Symbol, symbol);
            _at += symbol.Length;
        }
        else
        {
            throw Error($"'{first}' is not understood");
        }
    }

    private void ReadNumber()
    {
        var end = _at;
        while (end < source.Length && (char.IsAsciiLetterOrDigit(source[end]) || source[end] == '.'))
        {
            end++;
        }

        var word = source[_at..end];
        var digits = word.TrimEnd('u', 'U');
        Kind = CelToken.Number;
        Word = word;
        if (long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var whole))
        {
            Number = CelValue.Of(whole);
        }
        else if (digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            && long.TryParse(digits.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out whole))
        {
            Number = CelValue.Of(whole);
        }
        else if (double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var real))
        {
            Number = CelValue.Of(real);
        }
        else
        {
            throw Error($"'{word}' is not a number");
        }

        _at = end;
    }

    private void ReadText(bool isRaw)
    {
        var quote = source[_at++];
        var text = new StringBuilder();
        while (true)
        {
            if (_at == source.Length)
            {
                throw Error("a text without its closing quote");
            }

            var next = source[_at++];
            if (next == quote)
            {
                break;
            }

            if (next == '\\' && !isRaw)
            {
                next = _at == source.Length ? '\0' : source[_at++] switch
                {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    '\\' => '\\',
                    '\'' => '\'',
                    '"' => '"',
                    '`' => '`',
                    '?' => '?',
                    var other => throw Error($"the escape '\\{other}' is not supported"),
                };
            }

            text.Append(next);
        }

        (Kind, Word) = (CelToken.Text, text.ToString());
    }
}
