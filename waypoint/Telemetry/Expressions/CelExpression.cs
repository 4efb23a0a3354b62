using System.Text.RegularExpressions;
using Waypoint.Proxy.Telemetry.Formatting;

namespace Waypoint.Proxy.Telemetry.Expressions;

/// <summary>A compiled part of an expression. Immutable.</summary>
internal abstract class CelExpression
{
    /// <summary>Compiles an expression of the Common Expression Language, as far as Istio's telemetry has use for it.</summary>
    /// <param name="source">Comparisons, <c>&amp;&amp; || ! ?: in + - * / %</c>, <c>has()</c>, the string functions, lists, and Envoy's attributes.</param>
    /// <param name="unsupported">Told of attributes that have no value here; such an expression has none either.</param>
    /// <exception cref="FormatSyntaxException">It cannot be read.</exception>
    public static CelExpression Compile(string source, Action<string> unsupported) => new CelParser(source, unsupported).Parse();

    public abstract CelValue Evaluate(StreamInfo stream);
}

internal sealed class CelConstant(CelValue value) : CelExpression
{
    public CelValue Value => value;

    public override CelValue Evaluate(StreamInfo stream) => value;
}

internal sealed class CelAttribute(Func<StreamInfo, CelValue> read) : CelExpression
{
    public override CelValue Evaluate(StreamInfo stream) => read(stream);
}

internal sealed class CelMember(CelExpression target, CelExpression key) : CelExpression
{
    public override CelValue Evaluate(StreamInfo stream) => target.Evaluate(stream).At(key.Evaluate(stream));
}

internal sealed class CelList(CelExpression[] items) : CelExpression
{
    public override CelValue Evaluate(StreamInfo stream) => CelValue.Of(Array.ConvertAll(items, item => item.Evaluate(stream)));
}

internal sealed class CelHas(CelExpression target) : CelExpression
{
    public override CelValue Evaluate(StreamInfo stream) => CelValue.Of(!target.Evaluate(stream).IsMissing);
}

internal sealed class CelNot(CelExpression operand) : CelExpression
{
    public override CelValue Evaluate(StreamInfo stream) =>
        operand.Evaluate(stream) is { Kind: CelKind.Bool } value ? CelValue.Of(value.IsFalse) : default;
}

/// <summary>One side may be missing when the other decides, in either order (CEL's rule).</summary>
internal sealed class CelLogical(CelExpression left, CelExpression right, bool decidedBy) : CelExpression
{
    public override CelValue Evaluate(StreamInfo stream)
    {
        var first = left.Evaluate(stream);
        if (first.Kind == CelKind.Bool && first.IsTrue == decidedBy)
        {
            return first;
        }

        var second = right.Evaluate(stream);
        if (second.Kind == CelKind.Bool && second.IsTrue == decidedBy)
        {
            return second;
        }

        return first.Kind == CelKind.Bool && second.Kind == CelKind.Bool ? CelValue.Of(!decidedBy) : default;
    }
}

internal sealed class CelChoice(CelExpression condition, CelExpression then, CelExpression otherwise) : CelExpression
{
    public override CelValue Evaluate(StreamInfo stream) =>
        condition.Evaluate(stream) is { Kind: CelKind.Bool } value ? (value.IsTrue ? then : otherwise).Evaluate(stream) : default;
}

/// <summary>An operation on two values that both must be there.</summary>
internal sealed class CelBinary(CelExpression left, CelExpression right, Func<CelValue, CelValue, CelValue> operation) : CelExpression
{
    public override CelValue Evaluate(StreamInfo stream)
    {
        var first = left.Evaluate(stream);
        return first.IsMissing || right.Evaluate(stream) is not { IsMissing: false } second ? default : operation(first, second);
    }
}

internal sealed class CelUnary(CelExpression operand, Func<CelValue, CelValue> operation) : CelExpression
{
    public override CelValue Evaluate(StreamInfo stream) => operand.Evaluate(stream) is { IsMissing: false } value ? operation(value) : default;
}

/// <summary><c>text.matches(pattern)</c> with a constant pattern.</summary>
internal sealed class CelMatches(CelExpression operand, Regex pattern) : CelExpression
{
    public override CelValue Evaluate(StreamInfo stream) =>
        operand.Evaluate(stream) is { Kind: CelKind.Text } value ? CelValue.Of(pattern.IsMatch(value.Text)) : default;
}
