using System.Globalization;
using System.Text.RegularExpressions;

namespace Waypoint.Proxy.Hosting;

/// <summary>Durations as Go and protobuf JSON write them: <c>5s</c>, <c>1.5s</c>, <c>1m30s</c>, <c>250ms</c>.</summary>
internal static partial class GoDuration
{
    /// <param name="text">The duration.</param>
    /// <param name="name">What it belongs to, for the error.</param>
    /// <exception cref="FormatException">Not a duration.</exception>
    public static TimeSpan Parse(string text, string name)
    {
        var match = Pattern().Match(text);
        if (!match.Success)
        {
            throw new FormatException($"{name}: \"{text}\" is not a duration such as 5s or 1m30s");
        }

        var seconds = 0.0;
        for (var i = 0; i < match.Groups["number"].Captures.Count; i++)
        {
            var number = double.Parse(match.Groups["number"].Captures[i].Value, CultureInfo.InvariantCulture);
            seconds += number * match.Groups["unit"].Captures[i].Value switch { "h" => 3600, "m" => 60, "s" => 1, _ => 0.001 };
        }

        return TimeSpan.FromSeconds(seconds);
    }

    [GeneratedRegex(@"\A(?:(?<number>[0-9]+(?:\.[0-9]+)?)(?<unit>h|ms|m|s))+\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Pattern();
}
