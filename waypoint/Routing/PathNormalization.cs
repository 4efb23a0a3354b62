using System.Globalization;

namespace Waypoint.Proxy.Routing;

/// <summary>
/// The form of a path against which routes match. The normal form (RFC 3986 §6.2.2, as Envoy 1.39 does it): escaped letters, digits and <c>-._~</c> are
/// unescaped, <c>\</c> is read as <c>/</c>, dot segments are removed (§5.2.4). Escaped slashes and repeated slashes stay unless
/// <see cref="PathForm"/> says otherwise. Otherwise <c>/%61dmin</c> would pass a rule for <c>/admin</c>.
/// </summary>
internal static class PathNormalization
{
    /// <summary>Returns <paramref name="path"/> itself when it has the form; otherwise a new string.</summary>
    public static ReadOnlySpan<char> Normalize(ReadOnlySpan<char> path, PathForm form)
    {
        if (form == PathForm.AsReceived || path is not ['/', ..])
        {
            return path;
        }

        // Nearly every path passes at this one vectorised look.
        if (path.IndexOfAny('\\', '.', '%') >= 0)
        {
            path = Unescape(path, form);
            path = Has(form, PathForm.Normal) ? RemoveDotSegments(path) : path;
        }

        return Has(form, PathForm.MergedSlashes) && path.Contains("//", StringComparison.Ordinal) ? MergeSlashes(path) : path;
    }

    // Enum.HasFlag allocates in code that is not optimised yet.
    private static bool Has(PathForm form, PathForm part) => (form & part) != 0;

    private static ReadOnlySpan<char> Unescape(ReadOnlySpan<char> path, PathForm form)
    {
        char[]? output = null;
        var length = 0;
        for (var i = 0; i < path.Length; i++)
        {
            var c = path[i];
            if (c == '%' && TryUnescape(path[i..], form, out var unescaped))
            {
                if (output is null)
                {
                    output = new char[path.Length];
                    path[..i].CopyTo(output);
                    length = i;
                }

                output[length++] = unescaped;
                i += 2;
            }
            else if (output is not null)
            {
                output[length++] = c;
            }
        }

        return output is null ? path : output.AsSpan(0, length);
    }

    /// <summary>True for an escape of a character that needs none, or that is to have none.</summary>
    private static bool TryUnescape(ReadOnlySpan<char> text, PathForm form, out char character)
    {
        character = default;
        if (text.Length < 3 || !byte.TryParse(text.Slice(1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }

        character = (char)value;
        return character is '/' or '\\'
            ? Has(form, PathForm.UnescapedSlashes)
            : Has(form, PathForm.Normal) && (char.IsAsciiLetterOrDigit(character) || character is '-' or '.' or '_' or '~');
    }

    private static ReadOnlySpan<char> RemoveDotSegments(ReadOnlySpan<char> path)
    {
        if (!path.Contains('\\') && !path.Contains("/.", StringComparison.Ordinal))
        {
            return path;
        }

        var output = new char[path.Length + 1];
        var length = 0;
        var position = 0;
        while (position < path.Length)
        {
            // position is at a slash; the segment runs up to the next one.
            var rest = path[(position + 1)..];
            var next = rest.IndexOfAny('/', '\\');
            var last = next < 0;
            var segment = last ? rest : rest[..next];
            position = last ? path.Length : position + 1 + next;
            switch (segment)
            {
                case ".":
                    break;
                case "..":
                    length = Math.Max(output.AsSpan(0, length).LastIndexOf('/'), 0);
                    break;
                default:
                    output[length++] = '/';
                    segment.CopyTo(output.AsSpan(length));
                    length += segment.Length;
                    continue;
            }

            if (last)
            {
                output[length++] = '/';
            }
        }

        return output.AsSpan(0, length);
    }

    private static ReadOnlySpan<char> MergeSlashes(ReadOnlySpan<char> path)
    {
        var output = new char[path.Length];
        var length = 0;
        foreach (var c in path)
        {
            if (c != '/' || length == 0 || output[length - 1] != '/')
            {
                output[length++] = c;
            }
        }

        return output.AsSpan(0, length);
    }
}
