namespace Waypoint.Proxy.Routing;

/// <summary>
/// A condition on one query parameter: the first of its name counts, and neither name nor value is percent-decoded (Envoy).
/// </summary>
/// <param name="Name">Compared byte for byte.</param>
/// <param name="Value">Null asks only whether the parameter is there.</param>
internal sealed record QueryMatch(string Name, StringMatch? Value)
{
    /// <summary>With no <see cref="Value"/>: false asks that the parameter is not there.</summary>
    public bool Present { get; init; } = true;

    public bool Matches(ReadOnlySpan<char> query)
    {
        var found = TryGetFirst(query, Name, out var value);
        return Value is null ? found == Present : found && Value.Matches(value);
    }

    /// <summary>Finds the first parameter called <paramref name="name"/>; one without <c>=</c> has the empty value.</summary>
    public static bool TryGetFirst(ReadOnlySpan<char> query, ReadOnlySpan<char> name, out ReadOnlySpan<char> value)
    {
        while (!query.IsEmpty)
        {
            var end = query.IndexOf('&');
            var parameter = end < 0 ? query : query[..end];
            var equals = parameter.IndexOf('=');
            var key = equals < 0 ? parameter : parameter[..equals];
            if (key.SequenceEqual(name))
            {
                value = equals < 0 ? default : parameter[(equals + 1)..];
                return true;
            }

            query = end < 0 ? default : query[(end + 1)..];
        }

        value = default;
        return false;
    }
}
