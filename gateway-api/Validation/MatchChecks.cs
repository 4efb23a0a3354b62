using System.Text.RegularExpressions;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Sources.Reading;

namespace Waypoint.GatewayApi.Validation;

internal static partial class MatchChecks
{
    private static readonly string[] ForbiddenInPath = ["//", "/./", "/../", "%2f", "%2F", "#"];

    public static void CheckPath(FieldReader path, PathMatch match)
    {
        if (match.Type == PathMatchType.RegularExpression)
        {
            CheckRegex(path, "value", match.Value);
            return;
        }

        if (!match.Value.StartsWith('/'))
        {
            path.Error("value", $"\"{match.Value}\" must begin with '/'");
        }

        foreach (string forbidden in ForbiddenInPath)
        {
            if (match.Value.Contains(forbidden, StringComparison.Ordinal))
            {
                path.Error("value", $"\"{match.Value}\" must not contain '{forbidden}'");
                return;
            }
        }

        if (match.Value.EndsWith("/..", StringComparison.Ordinal) || match.Value.EndsWith("/.", StringComparison.Ordinal))
        {
            path.Error("value", $"\"{match.Value}\" must not end with '/.' or '/..'");
        }
        else if (match.Value.StartsWith('/') && !PathCharacters().IsMatch(match.Value))
        {
            path.Error("value", $"\"{match.Value}\" holds a character that a path cannot have; percent-encode it");
        }
    }

    /// <summary>
    /// Waypoint matches without backtracking, as RE2 does: an expression that needs it (a back-reference, a look-around) is refused
    /// here rather than by the proxy.
    /// </summary>
    public static void CheckRegex(FieldReader fields, string key, string pattern)
    {
        try
        {
            _ = new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (NotSupportedException)
        {
            fields.Error(key, $"\"{pattern}\" uses a back-reference, look-around or atomic group; only expressions in RE2's syntax are allowed");
        }
        catch (ArgumentException exception)
        {
            fields.Error(key, $"\"{pattern}\" is not a regular expression: {exception.Message}");
        }
    }

    public static void CheckGrpcMethod(FieldReader fields, GrpcMethodMatch match)
    {
        if (match.Service is null && match.Method is null)
        {
            fields.Error("service", "one of service and method must be given");
            return;
        }

        foreach ((string key, string? value, Regex shape) in new[]
        {
            ("service", match.Service, GrpcService()), ("method", match.Method, GrpcMethod()),
        })
        {
            if (value is null)
            {
                continue;
            }

            if (match.Regex)
            {
                CheckRegex(fields, key, value);
            }
            else if (!shape.IsMatch(value))
            {
                fields.Error(key, $"\"{value}\" is not a gRPC {key} name");
            }
        }
    }

    [GeneratedRegex(@"^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+\z")]
    private static partial Regex PathCharacters();

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z_0-9]*(\.[A-Za-z_][A-Za-z_0-9]*)*\z")]
    private static partial Regex GrpcService();

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z_0-9]*\z")]
    private static partial Regex GrpcMethod();
}
