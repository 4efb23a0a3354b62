using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters;

/// <summary>A condition on what earlier filters told (Envoy's <c>MetadataMatcher</c>).</summary>
/// <param name="Namespace">Such as <c>envoy.filters.http.jwt_authn</c>.</param>
/// <param name="Path">The keys that lead to the value.</param>
/// <param name="Value">What it must be; a value that is not there is null.</param>
/// <param name="Invert">The opposite.</param>
internal sealed record MetadataMatch(string Namespace, ImmutableArray<string> Path, ValueMatch Value, bool Invert = false)
{
    public bool Matches(DynamicMetadata metadata) => Value.Matches(metadata.Find(Namespace, Path.AsSpan())) != Invert;
}

/// <summary>A condition on a value of a structure (Envoy's <c>ValueMatcher</c>).</summary>
internal abstract record ValueMatch
{
    /// <param name="value">Null for JSON's null and for a value that is not there.</param>
    public abstract bool Matches(JsonNode? value);
}

internal sealed record ValueIsString(StringMatch Match) : ValueMatch
{
    public override bool Matches(JsonNode? value) =>
        value?.GetValueKind() == JsonValueKind.String && Match.Matches(value.GetValue<string>());
}

/// <summary>A number in [<paramref name="Start"/>, <paramref name="End"/>), or the one number when both are the same.</summary>
internal sealed record ValueIsNumber(double Start, double End) : ValueMatch
{
    public override bool Matches(JsonNode? value)
    {
        if (value?.GetValueKind() != JsonValueKind.Number)
        {
            return false;
        }

        var number = value.GetValue<double>();
        return number.Equals(Start) || (number >= Start && number < End);
    }
}

internal sealed record ValueIsBool(bool Expected) : ValueMatch
{
    public override bool Matches(JsonNode? value) => value?.GetValueKind() == (Expected ? JsonValueKind.True : JsonValueKind.False);
}

internal sealed record ValueIsPresent(bool Present) : ValueMatch
{
    public override bool Matches(JsonNode? value) => value is not null == Present;
}

/// <summary>A list with an element that is so.</summary>
internal sealed record ValueHasElement(ValueMatch Element) : ValueMatch
{
    public override bool Matches(JsonNode? value)
    {
        if (value is JsonArray elements)
        {
            foreach (var element in elements)
            {
                if (Element.Matches(element))
                {
                    return true;
                }
            }
        }

        return false;
    }
}

internal sealed record ValueIsAnyOf(ImmutableArray<ValueMatch> Choices) : ValueMatch
{
    public override bool Matches(JsonNode? value)
    {
        foreach (var match in Choices)
        {
            if (match.Matches(value))
            {
                return true;
            }
        }

        return false;
    }
}
