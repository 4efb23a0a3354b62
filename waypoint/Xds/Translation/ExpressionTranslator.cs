using Waypoint.Proxy.Telemetry.Expressions;
using Waypoint.Proxy.Telemetry.Formatting;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>Expressions of the Common Expression Language.</summary>
internal static class ExpressionTranslator
{
    /// <exception cref="ResourceException">It cannot be read.</exception>
    public static CelExpression Translate(string expression, TranslationScope scope, string field)
    {
        try
        {
            return CelExpression.Compile(expression, scope.Unsupported);
        }
        catch (FormatSyntaxException e)
        {
            throw scope.Invalid(field, e.Message, e);
        }
    }
}
