using System.Text.RegularExpressions;

namespace Waypoint.GatewayApi.Sources.Yaml;

/// <summary>
/// What an unquoted word means. Kubernetes reads YAML 1.1, where <c>yes</c>, <c>off</c> and <c>y</c> are booleans: a
/// header value <c>y</c> without quotes is refused there, so it is refused here.
/// </summary>
internal static partial class ScalarTypes
{
    public static ScalarType Of(string plain) => plain switch
    {
        "" or "~" or "null" or "Null" or "NULL" => ScalarType.Null,
        "y" or "Y" or "yes" or "Yes" or "YES" or "n" or "N" or "no" or "No" or "NO" or
            "on" or "On" or "ON" or "off" or "Off" or "OFF" or
            "true" or "True" or "TRUE" or "false" or "False" or "FALSE" => ScalarType.Boolean,
        _ when Integer().IsMatch(plain) => ScalarType.Integer,
        _ when Number().IsMatch(plain) => ScalarType.Number,
        _ => ScalarType.Text,
    };

    public static bool IsTrue(string plain) => plain is "y" or "Y" or "yes" or "Yes" or "YES" or "on" or "On" or "ON" or "true" or "True" or "TRUE";

    [GeneratedRegex("^[-+]?([0-9][0-9_]*|0x[0-9a-fA-F_]+|0o?[0-7_]+|0b[01_]+)$")]
    private static partial Regex Integer();

    [GeneratedRegex(@"^([-+]?(\.[0-9]+|[0-9][0-9_]*\.[0-9_]*|[0-9][0-9_]*)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$")]
    private static partial Regex Number();
}
