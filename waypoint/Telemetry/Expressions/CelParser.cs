using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Telemetry.Formatting;

namespace Waypoint.Proxy.Telemetry.Expressions;

/// <summary>Recursive descent over CEL's grammar; attributes are resolved while parsing.</summary>
internal sealed class CelParser
{
    // An expression comes from whoever may write a Telemetry resource; a stack overflow could not be caught.
    private const int DeepestNesting = 64;

    private readonly CelTokens _tokens;
    private readonly Action<string> _unsupported;
    private int _depth;

    public CelParser(string source, Action<string> unsupported)
    {
        _tokens = new CelTokens(source);
        _unsupported = unsupported;
        _tokens.Next();
    }

    public CelExpression Parse()
    {
        var expression = Choice();
        return _tokens.Kind == CelToken.End ? expression : throw _tokens.Error($"'{_tokens.Word}' is not expected");
    }

    private CelExpression Choice()
    {
        if (++_depth > DeepestNesting)
        {
            throw _tokens.Error($"nested more than {DeepestNesting} deep");
        }

        var condition = Or();
        if (Take("?"))
        {
            var then = Choice();
            Expect(":");
            condition = new CelChoice(condition, then, Choice());
        }

        _depth--;
        return condition;
    }

    private CelExpression Or()
    {
        var left = And();
        while (Take("||"))
        {
            left = new CelLogical(left, And(), decidedBy: true);
        }

        return left;
    }

    private CelExpression And()
    {
        var left = Relation();
        while (Take("&&"))
        {
            left = new CelLogical(left, Relation(), decidedBy: false);
        }

        return left;
    }

    private CelExpression Relation()
    {
        var left = Sum();
        while (true)
        {
            Func<CelValue, CelValue, CelValue>? relation = _tokens switch
            {
                { Kind: CelToken.Symbol, Word: "==" } => static (a, b) => CelValue.Of(CelValue.Equal(a, b)),
                { Kind: CelToken.Symbol, Word: "!=" } => static (a, b) => CelValue.Of(!CelValue.Equal(a, b)),
                { Kind: CelToken.Symbol, Word: "<" } => static (a, b) => Ordered(a, b, static order => order < 0),
                { Kind: CelToken.Symbol, Word: "<=" } => static (a, b) => Ordered(a, b, static order => order <= 0),
                { Kind: CelToken.Symbol, Word: ">" } => static (a, b) => Ordered(a, b, static order => order > 0),
                { Kind: CelToken.Symbol, Word: ">=" } => static (a, b) => Ordered(a, b, static order => order >= 0),
                { Kind: CelToken.Name, Word: "in" } => static (a, b) => CelValue.Of(b.Contains(a)),
                _ => null,
            };
            if (relation is null)
            {
                return left;
            }

            _tokens.Next();
            left = new CelBinary(left, Sum(), relation);
        }
    }

    private CelExpression Sum()
    {
        var left = Product();
        while (_tokens is { Kind: CelToken.Symbol, Word: "+" or "-" })
        {
            var isPlus = _tokens.Word == "+";
            _tokens.Next();
            left = new CelBinary(left, Product(), isPlus
                ? static (a, b) => a.Kind == CelKind.Text && b.Kind == CelKind.Text ? CelValue.Of(a.Text + b.Text) : Arithmetic(a, b, static (x, y) => x + y, static (x, y) => x + y)
                : static (a, b) => Arithmetic(a, b, static (x, y) => x - y, static (x, y) => x - y));
        }

        return left;
    }

    private CelExpression Product()
    {
        var left = Unary();
        while (_tokens is { Kind: CelToken.Symbol, Word: "*" or "/" or "%" })
        {
            Func<CelValue, CelValue, CelValue> operation = _tokens.Word switch
            {
                "*" => static (a, b) => Arithmetic(a, b, static (x, y) => x * y, static (x, y) => x * y),
                "/" => static (a, b) => Arithmetic(a, b, static (x, y) => y is 0 or -1 ? null : x / y, static (x, y) => x / y),
                _ => static (a, b) => Arithmetic(a, b, static (x, y) => y is 0 or -1 ? null : x % y, static (_, _) => null),
            };
            _tokens.Next();
            left = new CelBinary(left, Unary(), operation);
        }

        return left;
    }

    private CelExpression Unary()
    {
        if (++_depth > DeepestNesting)
        {
            throw _tokens.Error($"nested more than {DeepestNesting} deep");
        }

        CelExpression result;
        if (Take("!"))
        {
            result = new CelNot(Unary());
        }
        else if (Take("-"))
        {
            result = new CelUnary(Unary(), static v => v.Kind switch
            {
                CelKind.Int => CelValue.Of(-v.Integer),
                CelKind.Double => CelValue.Of(-v.Real),
                _ => default,
            });
        }
        else
        {
            result = Postfix();
        }

        _depth--;
        return result;
    }

    private CelExpression Postfix()
    {
        var target = Primary();
        while (_tokens.Kind == CelToken.Symbol)
        {
            if (Take("."))
            {
                var name = Name();
                target = Take("(") ? Method(target, name) : new CelMember(target, new CelConstant(CelValue.Of(name)));
            }
            else if (Take("["))
            {
                target = new CelMember(target, Choice());
                Expect("]");
            }
            else
            {
                break;
            }
        }

        return target;
    }

    private CelExpression Primary()
    {
        var word = _tokens.Word;
        switch (_tokens.Kind)
        {
            case CelToken.Number:
                var number = _tokens.Number;
                _tokens.Next();
                return new CelConstant(number);
            case CelToken.Text:
                _tokens.Next();
                return new CelConstant(CelValue.Of(word));
            case CelToken.Symbol when Take("("):
                var inner = Choice();
                Expect(")");
                return inner;
            case CelToken.Symbol when Take("["):
                return new CelList([.. Arguments("]")]);
            case CelToken.Name:
                _tokens.Next();
                return word switch
                {
                    "true" or "false" => new CelConstant(CelValue.Of(word == "true")),
                    "null" => new CelConstant(default),
                    _ when Take("(") => Function(word),
                    _ => Attribute(word),
                };
            default:
                throw _tokens.Error($"'{word}' is not expected");
        }
    }

    /// <summary>The longest run of <c>.name</c> and <c>['name']</c> is the attribute's path; what follows it is applied to its value.</summary>
    private CelExpression Attribute(string root)
    {
        var path = new List<string> { root };
        while (true)
        {
            if (CelAttributes.Find(path) is { } read)
            {
                return new CelAttribute(read);
            }

            if (Take("."))
            {
                path.Add(Name());
            }
            else if (Take("["))
            {
                path.Add(_tokens.Kind == CelToken.Text ? _tokens.Word : throw _tokens.Error($"'{string.Join('.', path)}' has no items"));
                _tokens.Next();
                Expect("]");
            }
            else
            {
                _unsupported($"expression attribute '{string.Join('.', path)}'");
                return new CelConstant(default);
            }
        }
    }

    private CelExpression Function(string name)
    {
        var arguments = Arguments(")");
        if (arguments.Count != 1)
        {
            throw _tokens.Error($"'{name}' takes one argument");
        }

        return name switch
        {
            "has" => new CelHas(arguments[0]),
            "size" => new CelUnary(arguments[0], Size),
            "string" => new CelUnary(arguments[0], static v => CelValue.Of(v.ToText())),
            "int" or "uint" => new CelUnary(arguments[0], static v => v.Kind switch
            {
                CelKind.Int => v,
                CelKind.Double => CelValue.Of((long)v.Real),
                CelKind.Text when long.TryParse(v.Text, System.Globalization.CultureInfo.InvariantCulture, out var number) => CelValue.Of(number),
                _ => default,
            }),
            "duration" when arguments[0] is CelConstant { Value: { Kind: CelKind.Text } text } => new CelConstant(Duration(text.Text)),
            _ => throw _tokens.Error($"the function '{name}' is not supported"),
        };
    }

    private CelValue Duration(string text)
    {
        try
        {
            return CelValue.Of(Hosting.GoDuration.Parse(text, "duration()").TotalMilliseconds);
        }
        catch (FormatException e)
        {
            throw _tokens.Error(e.Message);
        }
    }

    private CelExpression Method(CelExpression target, string name)
    {
        var arguments = Arguments(")");
        if (name == "size" && arguments.Count == 0)
        {
            return new CelUnary(target, Size);
        }

        if (arguments.Count != 1)
        {
            throw _tokens.Error($"'{name}' takes one argument");
        }

        switch (name)
        {
            case "startsWith":
                return new CelBinary(target, arguments[0], static (a, b) => Texts(a, b, static (x, y) => x.StartsWith(y, StringComparison.Ordinal)));
            case "endsWith":
                return new CelBinary(target, arguments[0], static (a, b) => Texts(a, b, static (x, y) => x.EndsWith(y, StringComparison.Ordinal)));
            case "contains":
                return new CelBinary(target, arguments[0], static (a, b) => Texts(a, b, static (x, y) => x.Contains(y, StringComparison.Ordinal)));
            case "matches" when arguments[0] is CelConstant { Value: { Kind: CelKind.Text } pattern }:
                try
                {
                    return new CelMatches(target, Re2Pattern.Search(pattern.Text));
                }
                catch (Re2PatternException e)
                {
                    throw _tokens.Error($"matches: {e.Message}");
                }

            default:
                throw _tokens.Error($"the function '{name}' is not supported");
        }
    }

    private List<CelExpression> Arguments(string end)
    {
        var arguments = new List<CelExpression>();
        if (Take(end))
        {
            return arguments;
        }

        do
        {
            arguments.Add(Choice());
        }
        while (Take(","));
        Expect(end);
        return arguments;
    }

    private string Name()
    {
        var name = _tokens.Kind == CelToken.Name ? _tokens.Word : throw _tokens.Error($"a name is needed in the place of '{_tokens.Word}'");
        _tokens.Next();
        return name;
    }

    private bool Take(string symbol)
    {
        if (_tokens.Kind != CelToken.Symbol || _tokens.Word != symbol)
        {
            return false;
        }

        _tokens.Next();
        return true;
    }

    private void Expect(string symbol)
    {
        if (!Take(symbol))
        {
            throw _tokens.Error($"'{symbol}' is needed in the place of '{_tokens.Word}'");
        }
    }

    private static CelValue Size(CelValue value) => value.Kind switch
    {
        CelKind.Text => CelValue.Of(value.Text.Length),
        CelKind.List => CelValue.Of(value.Items.Length),
        _ => default,
    };

    private static CelValue Ordered(CelValue left, CelValue right, Func<int, bool> holds) =>
        CelValue.Compare(left, right) is { } order ? CelValue.Of(holds(order)) : default;

    private static CelValue Texts(CelValue left, CelValue right, Func<string, string, bool> holds) =>
        left.Kind == CelKind.Text && right.Kind == CelKind.Text ? CelValue.Of(holds(left.Text, right.Text)) : default;

    private static CelValue Arithmetic(CelValue left, CelValue right, Func<long, long, long?> whole, Func<double, double, double?> real)
    {
        if (left.Kind == CelKind.Int && right.Kind == CelKind.Int)
        {
            return whole(left.Integer, right.Integer) is { } number ? CelValue.Of(number) : default;
        }

        return left.Kind is CelKind.Int or CelKind.Double && right.Kind is CelKind.Int or CelKind.Double && real(left.Real, right.Real) is { } result
            ? CelValue.Of(result)
            : default;
    }
}
