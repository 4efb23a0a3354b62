using Waypoint.Proxy.Telemetry.Expressions;

namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary><c>%CEL(EXPRESSION)%</c>.</summary>
internal static class ExpressionOperator
{
    public static FieldOperator Create(Command command, Action<string> unsupported)
    {
        var expression = CelExpression.Compile(command.Argument ?? "", unsupported);
        return new TextOperator(s => expression.Evaluate(s).ToText());
    }
}
