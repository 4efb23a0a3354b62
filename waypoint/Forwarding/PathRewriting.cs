using System.Text;
using System.Text.RegularExpressions;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Forwarding;

/// <summary>Applies a <see cref="PathRewrite"/> to a request target; the query goes on byte for byte.</summary>
internal static class PathRewriting
{
    /// <summary>
    /// The rewritten target in origin form. A prefix is replaced in the path as received; only where dot segments or the like
    /// hide the prefix that was matched (<c>/x/../api</c>) does the normal form take its place.
    /// </summary>
    public static string Apply(PathRewrite rewrite, in RequestHead head)
    {
        var path = rewrite switch
        {
            ReplaceFullPath full => full.Path,
            ReplacePrefix prefix => Replace(prefix, StartsWith(head.RawPath, prefix.MatchedPrefix) ? head.RawPath : head.Path),
            ReplaceRegex regex => ReplaceAll(regex.Pattern, regex.Substitution, head.Path.ToString()),
            _ => throw new NotSupportedException(rewrite.GetType().Name),
        };
        return head.RawPath.Length == head.Target.Length ? path : string.Concat(path, "?", head.Query);
    }

    /// <summary>The target in origin form.</summary>
    public static string OriginForm(string rawTarget, in RequestHead head) =>
        head.Target.SequenceEqual(rawTarget) ? rawTarget : head.Target.ToString();

    private static string Replace(ReplacePrefix prefix, ReadOnlySpan<char> path)
    {
        var matched = prefix.MatchedPrefix.AsSpan().TrimEnd('/');
        var rest = path.StartsWith(matched, StringComparison.OrdinalIgnoreCase) ? path[matched.Length..] : path;
        var replacement = prefix.Replacement.AsSpan();

        // Gateway API: a trailing slash of either makes no double one, and a path never becomes empty.
        if (rest.StartsWith("/") && replacement.EndsWith("/"))
        {
            replacement = replacement[..^1];
        }

        if (rest.IsEmpty && replacement.IsEmpty)
        {
            return "/";
        }

        return string.Concat(replacement, rest);
    }

    private static bool StartsWith(ReadOnlySpan<char> path, ReadOnlySpan<char> prefix) =>
        path.StartsWith(prefix.TrimEnd('/'), StringComparison.OrdinalIgnoreCase);

    /// <summary>RE2's <c>GlobalReplace</c>: every match, but no empty match where the one before ended.</summary>
    public static string ReplaceAll(Regex pattern, string substitution, string path)
    {
        var output = new StringBuilder(path.Length + substitution.Length);
        var position = 0;
        var previousEnd = -1;
        for (var match = pattern.Match(path); match.Success; match = match.NextMatch())
        {
            if (match.Length == 0 && match.Index == previousEnd)
            {
                continue;
            }

            output.Append(path, position, match.Index - position);
            Substitute(substitution, match, output);
            position = previousEnd = match.Index + match.Length;
        }

        return output.Append(path, position, path.Length - position).ToString();
    }

    private static void Substitute(string substitution, Match match, StringBuilder output)
    {
        for (var i = 0; i < substitution.Length; i++)
        {
            if (substitution[i] != '\\' || i + 1 == substitution.Length)
            {
                output.Append(substitution[i]);
                continue;
            }

            var next = substitution[++i];
            _ = char.IsAsciiDigit(next) ? output.Append(match.Groups[next - '0'].ValueSpan) : output.Append(next);
        }
    }
}
