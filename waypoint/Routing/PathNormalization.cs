using System.Globalization;

namespace Waypoint.Proxy.Routing;

/// <summary>
/// The normal form of a path, against which routes match (RFC 3986 §6.2.2, as Envoy 1.39 does it): escaped letters, digits and <c>-._~</c> are
/// unescaped, <c>\</c> is read as <c>/</c>, dot segments are removed (§5.2.4). Escaped slashes and repeated slashes stay.
/// Otherwise <c>/%61dmin</c> would pass a rule for <c>/admin</c>. The request is forwarded as received.
/// </summary>
internal static class PathNormalization
{
    /// <summary>Returns <paramref name="path"/> itself when it is in normal form; otherwise a new string.</summary>
    public static ReadOnlySpan<char> Normalize(ReadOnlySpan<char> path)
    {
        // Nearly every path passes at this one vectorised look.
        return path.IndexOfAny('\\', '.', '%') < 0 || path[0] != '/' ? path : RemoveDotSegments(Unescape(path));
    }

    private static ReadOnlySpan<char> Unescape(ReadOnlySpan<char> path)
    {
        char[]? output = null;
        var length = 0;
        for (var i = 0; i < path.Length; i++)
        {
            var c = path[i];
            if (c == '%' && TryUnescape(path[i..], out var unescaped))
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

    /// <summary>True for an escape of a character that needs none.</summary>
    private static bool TryUnescape(ReadOnlySpan<char> text, out char character)
    {
        character = default;
        if (text.Length < 3 || !byte.TryParse(text.Slice(1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }

        character = (char)value;
        return char.IsAsciiLetterOrDigit(character) || character is '-' or '.' or '_' or '~';
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
}
