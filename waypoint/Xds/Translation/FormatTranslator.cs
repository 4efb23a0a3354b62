using Envoy.Config.Core.V3;
using Waypoint.Proxy.Telemetry.Formatting;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>Strings with Envoy's command operators.</summary>
internal static class FormatTranslator
{
    /// <param name="format">The string.</param>
    /// <param name="omitEmpty">What has no value is left out instead of written as <c>-</c>; so it is for headers.</param>
    /// <param name="scope">Told of operators that this version has no value for.</param>
    /// <param name="field">Where the string is.</param>
    /// <exception cref="ResourceException">It is malformed, or has an operator that Envoy has not.</exception>
    public static TextFormat Text(string format, bool omitEmpty, TranslationScope scope, string field)
    {
        try
        {
            return TextFormat.Compile(format, omitEmpty, scope.Unsupported);
        }
        catch (FormatSyntaxException e)
        {
            throw scope.Invalid(field, e.Message, e);
        }
    }

    /// <summary>The line of an access log, as text or as JSON.</summary>
    /// <exception cref="ResourceException">It is malformed, or has an operator that Envoy has not.</exception>
    public static LineFormat Line(SubstitutionFormatString? format, TranslationScope scope, string field)
    {
        if (format is null)
        {
            return LineFormat.EnvoyDefault;
        }

        foreach (var formatter in format.Formatters)
        {
            // What it would add is built in, or refused where it is used.
            scope.UnsupportedIf(!formatter.Name.Contains("cel", StringComparison.Ordinal), $"{field}: formatter '{formatter.Name}'");
        }

        switch (format.FormatCase)
        {
            case SubstitutionFormatString.FormatOneofCase.TextFormatSource when format.TextFormatSource.SpecifierCase == DataSource.SpecifierOneofCase.InlineString:
                return new LineFormat(Text(format.TextFormatSource.InlineString, format.OmitEmptyValues, scope, $"{field}.text_format_source"));
            case SubstitutionFormatString.FormatOneofCase.JsonFormat:
                try
                {
                    return new LineFormat(JsonFormat.Compile(format.JsonFormat, format.OmitEmptyValues, scope.Unsupported));
                }
                catch (FormatSyntaxException e)
                {
                    throw scope.Invalid($"{field}.json_format", e.Message, e);
                }

            default:
                throw scope.Invalid(field, "neither an inline text_format_source nor a json_format");
        }
    }
}
