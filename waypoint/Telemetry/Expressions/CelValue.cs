using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Waypoint.Proxy.Telemetry.Expressions;

internal enum CelKind
{
    /// <summary>No such thing, or an operation that its operands do not have: what CEL calls an error. It spreads.</summary>
    Missing,
    Bool,
    Int,
    Double,
    Text,
    List,
    Headers,
    Node,
}

/// <summary>A value of an expression.</summary>
internal readonly struct CelValue
{
    private readonly double _double;
    private readonly long _int;
    private readonly object? _object;

    private CelValue(CelKind kind, long integer = 0, double real = 0, object? reference = null)
    {
        Kind = kind;
        _int = integer;
        _double = real;
        _object = reference;
    }

    public CelKind Kind { get; }

    public bool IsMissing => Kind == CelKind.Missing;

    public bool IsTrue => Kind == CelKind.Bool && _int != 0;

    public bool IsFalse => Kind == CelKind.Bool && _int == 0;

    public long Integer => _int;

    public double Real => Kind == CelKind.Int ? _int : _double;

    public string Text => (string)_object!;

    public CelValue[] Items => (CelValue[])_object!;

    public static CelValue Of(bool value) => new(CelKind.Bool, value ? 1 : 0);

    public static CelValue Of(long value) => new(CelKind.Int, value);

    public static CelValue Of(double value) => new(CelKind.Double, real: value);

    public static CelValue Of(string? value) => value is null ? default : new(CelKind.Text, reference: value);

    public static CelValue Of(CelValue[] items) => new(CelKind.List, reference: items);

    public static CelValue Of(IHeaderDictionary? headers) => headers is null ? default : new(CelKind.Headers, reference: headers);

    public static CelValue Of(JsonNode? node) => node switch
    {
        null => default,
        JsonValue value when value.TryGetValue<string>(out var text) => Of(text),
        JsonValue value when value.TryGetValue<bool>(out var flag) => Of(flag),
        JsonValue value when value.GetValueKind() == JsonValueKind.Number => Number(Formatting.JsonText.Of(value)),
        _ => new(CelKind.Node, reference: node),
    };

    private static CelValue Number(string json) => long.TryParse(json, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
        ? Of(whole)
        : Of(double.Parse(json, CultureInfo.InvariantCulture));

    /// <summary>What a map holds under a key.</summary>
    public CelValue Member(string key) => _object switch
    {
        IHeaderDictionary headers => headers[key] is { Count: > 0 } values ? Of(values.ToString()) : default,
        JsonObject node => Of(node[key]),
        _ => default,
    };

    /// <summary>What a list or a map holds at an index.</summary>
    public CelValue At(CelValue index) => (Kind, index.Kind) switch
    {
        (_, CelKind.Text) => Member(index.Text),
        (CelKind.List, CelKind.Int) when index.Integer >= 0 && index.Integer < Items.Length => Items[index.Integer],
        (CelKind.Node, CelKind.Int) when _object is JsonArray array && index.Integer >= 0 && index.Integer < array.Count => Of(array[(int)index.Integer]),
        _ => default,
    };

    /// <summary>True when a list holds an equal item, or a map has the key.</summary>
    public bool Contains(CelValue item) => Kind switch
    {
        CelKind.List => Array.Exists(Items, other => Equal(other, item)),
        CelKind.Headers or CelKind.Node when item.Kind == CelKind.Text => _object is JsonArray array
            ? array.Any(node => Equal(Of(node), item))
            : !Member(item.Text).IsMissing,
        _ => false,
    };

    public static bool Equal(CelValue left, CelValue right) => (left.Kind, right.Kind) switch
    {
        (CelKind.Int, CelKind.Int) or (CelKind.Bool, CelKind.Bool) => left._int == right._int,
        (CelKind.Int or CelKind.Double, CelKind.Int or CelKind.Double) => left.Real == right.Real,
        (CelKind.Text, CelKind.Text) => string.Equals(left.Text, right.Text, StringComparison.Ordinal),
        _ => false,
    };

    /// <summary>Null when the two have no order.</summary>
    public static int? Compare(CelValue left, CelValue right) => (left.Kind, right.Kind) switch
    {
        (CelKind.Int, CelKind.Int) => left._int.CompareTo(right._int),
        (CelKind.Int or CelKind.Double, CelKind.Int or CelKind.Double) => left.Real.CompareTo(right.Real),
        (CelKind.Text, CelKind.Text) => string.CompareOrdinal(left.Text, right.Text),
        _ => null,
    };

    /// <summary>As a label or a field of a log has it; null when there is no value.</summary>
    public string? ToText() => Kind switch
    {
        CelKind.Bool => _int != 0 ? "true" : "false",
        CelKind.Int => _int.ToString(CultureInfo.InvariantCulture),
        CelKind.Double => _double.ToString("R", CultureInfo.InvariantCulture),
        CelKind.Text => Text,
        CelKind.Node => Formatting.JsonText.Of((JsonNode)_object!),
        _ => null,
    };
}
