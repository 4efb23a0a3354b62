using System.Globalization;
using Microsoft.Extensions.Primitives;

namespace Waypoint.Proxy.Routing;

/// <summary>
/// A condition on one header field, or on a pseudo header such as <c>:method</c>. Of several values of one name each is looked at by
/// itself: one that matches is enough, and for an inverted condition one too many (Envoy 1.39; older ones join the values by commas). A field that is
/// missing never matches, inverted or not, unless <see cref="TreatMissingAsEmpty"/>; only <see cref="HeaderPresence"/> can ask for absence.
/// </summary>
internal abstract record HeaderMatch(string Name)
{
    private readonly Source _source = SourceOf(Name);

    private enum Source
    {
        Field,
        Method,
        Authority,
        Target,
        Scheme,
    }

    public bool Invert { get; init; }

    public bool TreatMissingAsEmpty { get; init; }

    public virtual bool Matches(in RequestHead request)
    {
        var count = Read(request, out var first, out var all);
        if (count == 0)
        {
            return TreatMissingAsEmpty && Holds("") != Invert;
        }

        var holds = Holds(first);
        for (var i = 1; i < count && !holds; i++)
        {
            holds = Holds(all[i]);
        }

        return holds != Invert;
    }

    /// <summary>Finds the values; allocates nothing.</summary>
    /// <param name="request">The request.</param>
    /// <param name="first">The first value.</param>
    /// <param name="all">All values, when there is more than one.</param>
    /// <returns>How many there are; 0 when the field is missing.</returns>
    public int Read(scoped in RequestHead request, out ReadOnlySpan<char> first, out StringValues all)
    {
        all = default;
        switch (_source)
        {
            case Source.Method:
                first = request.Method;
                return 1;
            case Source.Authority:
                first = request.Authority;
                return 1;
            case Source.Target:
                first = request.Target;
                return 1;
            case Source.Scheme:
                first = request.Scheme;
                return 1;
            case Source.Field:
            default:
                request.Headers.TryGetValue(Name, out all);
                first = all.Count > 0 ? all[0] : default(ReadOnlySpan<char>);
                return all.Count;
        }
    }

    protected abstract bool Holds(ReadOnlySpan<char> value);

    // Envoy keeps Host and :authority as one.
    private static Source SourceOf(string name) => name switch
    {
        ":method" => Source.Method,
        ":authority" => Source.Authority,
        ":path" => Source.Target,
        ":scheme" => Source.Scheme,
        _ => name.Equals("host", StringComparison.OrdinalIgnoreCase) ? Source.Authority : Source.Field,
    };
}

internal sealed record HeaderString(string Name, StringMatch Value) : HeaderMatch(Name)
{
    protected override bool Holds(ReadOnlySpan<char> value) => Value.Matches(value);
}

/// <summary>The value is a whole decimal number in [<paramref name="Start"/>, <paramref name="End"/>).</summary>
internal sealed record HeaderRange(string Name, long Start, long End) : HeaderMatch(Name)
{
    protected override bool Holds(ReadOnlySpan<char> value) =>
        long.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) && number >= Start && number < End;
}

/// <summary>The field is there (<paramref name="Present"/>) or is not.</summary>
internal sealed record HeaderPresence(string Name, bool Present = true) : HeaderMatch(Name)
{
    public override bool Matches(in RequestHead request)
    {
        var found = Read(request, out _, out _) > 0 || TreatMissingAsEmpty;
        return (found == Present) != Invert;
    }

    protected override bool Holds(ReadOnlySpan<char> value) => true;
}
