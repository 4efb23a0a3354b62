using System.Globalization;

namespace Waypoint.Proxy.Routing;

/// <summary>
/// A condition on one header field, or on a pseudo header such as <c>:method</c>. Several values of one name are one
/// string joined by <c>,</c> (Envoy). A field that is missing never matches, inverted or not, unless
/// <see cref="TreatMissingAsEmpty"/>; only <see cref="HeaderPresence"/> can ask for absence.
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

    /// <summary>True for <c>:method</c>.</summary>
    public bool IsMethod => _source == Source.Method;

    public virtual bool Matches(in RequestHead request)
    {
        var found = TryGetValue(request, out var value);
        return (found || TreatMissingAsEmpty) && Holds(value) != Invert;
    }

    /// <summary>The value that is compared. Allocates only when the field came more than once.</summary>
    public bool TryGetValue(scoped in RequestHead request, out ReadOnlySpan<char> value)
    {
        switch (_source)
        {
            case Source.Method:
                value = request.Method;
                return true;
            case Source.Authority:
                value = request.Authority;
                return true;
            case Source.Target:
                value = request.Target;
                return true;
            case Source.Scheme:
                value = request.Scheme;
                return true;
            case Source.Field:
            default:
                var found = request.Headers.TryGetValue(Name, out var values) && values.Count > 0;
                value = found ? values.ToString() : default(ReadOnlySpan<char>);
                return found;
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
        var found = TryGetValue(request, out _) || TreatMissingAsEmpty;
        return (found == Present) != Invert;
    }

    protected override bool Holds(ReadOnlySpan<char> value) => true;
}
