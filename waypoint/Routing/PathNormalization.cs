namespace Waypoint.Proxy.Routing;

/// <summary>
/// The normal form of a path, against which routes match: dot segments removed (RFC 3986 §5.2.4; <c>%2E</c> counts as a dot),
/// <c>\</c> read as <c>/</c>. Escaped slashes and repeated slashes stay. The request is forwarded as received.
/// </summary>
internal static class PathNormalization
{
    /// <summary>Returns <paramref name="path"/> itself when it is in normal form; otherwise a new string.</summary>
    public static ReadOnlySpan<char> Normalize(ReadOnlySpan<char> path)
    {
        if (path.IsEmpty || path[0] != '/' || !MayNeedWork(path))
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
            var segment = next < 0 ? rest : rest[..next];
            var last = next < 0;
            position = last ? path.Length : position + 1 + next;

            switch (DotsIn(segment))
            {
                case 1:
                    break;
                case 2:
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

    // Nearly every path passes at the first, vectorised, look.
    private static bool MayNeedWork(ReadOnlySpan<char> path) =>
        path.IndexOfAny('\\', '.', '%') >= 0
        && (path.Contains('\\')
            || path.Contains("/.", StringComparison.Ordinal)
            || path.Contains("/%2e", StringComparison.Ordinal)
            || path.Contains("/%2E", StringComparison.Ordinal));

    /// <summary>1 for a segment that means "here", 2 for one that means "up", otherwise 0.</summary>
    private static int DotsIn(ReadOnlySpan<char> segment)
    {
        var dots = 0;
        while (!segment.IsEmpty)
        {
            if (segment[0] == '.')
            {
                segment = segment[1..];
            }
            else if (segment.StartsWith("%2e", StringComparison.OrdinalIgnoreCase))
            {
                segment = segment[3..];
            }
            else
            {
                return 0;
            }

            dots++;
        }

        return dots <= 2 ? dots : 0;
    }
}
