using System.Text;

namespace Waypoint.Proxy.Filters;

/// <summary>Single parameters of a query.</summary>
internal static class QueryString
{
    /// <summary>The first value of this name, unescaped; null when there is none.</summary>
    public static string? Find(ReadOnlySpan<char> query, string name)
    {
        foreach (var range in query.Split('&'))
        {
            var pair = query[range];
            if (IsNamed(pair, name, out var equals))
            {
                return equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..]);
            }
        }

        return null;
    }

    /// <summary>The target without the parameters of this name; the others stay as they came.</summary>
    public static string Remove(string target, string name)
    {
        var question = target.IndexOf('?');
        if (question < 0)
        {
            return target;
        }

        var query = target.AsSpan(question + 1);
        var rest = new StringBuilder(target.Length).Append(target, 0, question);
        var separator = '?';
        foreach (var range in query.Split('&'))
        {
            if (!IsNamed(query[range], name, out _))
            {
                rest.Append(separator).Append(query[range]);
                separator = '&';
            }
        }

        return rest.ToString();
    }

    private static bool IsNamed(ReadOnlySpan<char> pair, string name, out int equals)
    {
        equals = pair.IndexOf('=');
        var found = equals < 0 ? pair : pair[..equals];
        return found.Equals(name, StringComparison.Ordinal)
            || (found.Contains('%') && Uri.UnescapeDataString(found).Equals(name, StringComparison.Ordinal));
    }
}
