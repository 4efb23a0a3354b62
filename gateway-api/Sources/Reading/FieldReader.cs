using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Waypoint.GatewayApi.Sources.Yaml;

namespace Waypoint.GatewayApi.Sources.Reading;

/// <summary>
/// Reads the fields of one mapping by name. A wrong value is reported and a harmless one returned in its place, so that one
/// pass finds every mistake of a file; a field that nobody asked for is reported at the end, so that a typo does not
/// pass silently.
/// </summary>
internal sealed class FieldReader(ReadContext context, YamlMapping mapping, string path)
{
    private readonly HashSet<string> _known = [];

    public ReadContext Context => context;

    public int Line => mapping.Line;

    public string Path => path;

    public bool Has(string key) => Find(key) is not null;

    public string FieldOf(string key) => path.Length == 0 ? key : $"{path}.{key}";

    /// <summary>The line of the key, or of the object that should have it.</summary>
    public int LineOf(string key)
    {
        foreach (YamlEntry entry in mapping.Entries)
        {
            if (entry.Key == key)
            {
                return entry.Line;
            }
        }

        return mapping.Line;
    }

    public void Error(string key, string reason) => context.Error(LineOf(key), FieldOf(key), reason);

    public void Warn(string key, string reason) => context.Warn(LineOf(key), FieldOf(key), reason);

    /// <summary>Fields that Kubernetes knows and that decide nothing here.</summary>
    public void Ignore(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
        {
            _known.Add(key);
        }
    }

    /// <summary>Reports every field that was neither read nor ignored.</summary>
    public void Finish()
    {
        foreach (YamlEntry entry in mapping.Entries)
        {
            if (!_known.Contains(entry.Key))
            {
                context.Warn(entry.Line, FieldOf(entry.Key), "unknown field");
            }
        }
    }

    public string? Text(string key, TextRule? rule = null)
    {
        YamlNode? node = Find(key);
        return node is null ? null : TextOf(node, FieldOf(key), rule);
    }

    public string RequiredText(string key, TextRule? rule = null) => Text(key, rule) ?? Missing(key, "");

    public int? Integer(string key, int minimum = int.MinValue, int maximum = int.MaxValue)
    {
        YamlNode? node = Find(key);
        return node is null ? null : IntegerOf(node, FieldOf(key), minimum, maximum);
    }

    public int RequiredInteger(string key, int minimum, int maximum) => Integer(key, minimum, maximum) ?? Missing(key, minimum);

    public ImmutableArray<int> Integers(string key, int minimum, int maximum) =>
        Items(key, int.MaxValue, (node, field) => IntegerOf(node, field, minimum, maximum));

    public bool? Boolean(string key)
    {
        YamlNode? node = Find(key);
        switch (node)
        {
            case null:
                return null;
            case YamlScalar { Type: ScalarType.Boolean } scalar:
                return ScalarTypes.IsTrue(scalar.Value);
            default:
                Error(key, $"must be a boolean, not {Describe(node)}");
                return null;
        }
    }

    /// <summary>What an enumeration's word stands for; null when absent or wrong.</summary>
    public T? Choice<T>(string key, params ReadOnlySpan<(string Word, T Value)> choices)
        where T : struct
    {
        string? word = Text(key);
        if (word is null)
        {
            return null;
        }

        foreach ((string candidate, T value) in choices)
        {
            if (candidate == word)
            {
                return value;
            }
        }

        List<string> words = [];
        foreach ((string candidate, _) in choices)
        {
            words.Add(candidate);
        }

        Error(key, $"\"{word}\" is none of {string.Join(", ", words)}");
        return null;
    }

    /// <summary>One of a few words; null when absent or wrong.</summary>
    public string? Word(string key, params ReadOnlySpan<string> words)
    {
        string? word = Text(key);
        if (word is null || words.Contains(word))
        {
            return word;
        }

        Error(key, $"\"{word}\" is none of {string.Join(", ", words)}");
        return null;
    }

    public FieldReader? Child(string key)
    {
        YamlNode? node = Find(key);
        switch (node)
        {
            case null:
                return null;
            case YamlMapping child:
                return new FieldReader(context, child, FieldOf(key));
            default:
                Error(key, $"must be an object, not {Describe(node)}");
                return null;
        }
    }

    public FieldReader? RequiredChild(string key)
    {
        if (Has(key))
        {
            return Child(key);
        }

        Missing(key, 0);
        return null;
    }

    /// <summary>Reads each object of a list; what <paramref name="read"/> gives null for is left out.</summary>
    public ImmutableArray<T> Children<T>(string key, int maximum, Func<FieldReader, T?> read)
        where T : class =>
        Items<T>(key, maximum, (node, field) =>
        {
            if (node is YamlMapping child)
            {
                return read(new FieldReader(context, child, field));
            }

            context.Error(node.Line, field, $"must be an object, not {Describe(node)}");
            return null;
        });

    public ImmutableArray<string> Texts(string key, int maximum = int.MaxValue, TextRule? rule = null) =>
        Items(key, maximum, (node, field) => TextOf(node, field, rule));

    public ImmutableSortedDictionary<string, string> TextMap(string key)
    {
        if (Child(key) is not { } child)
        {
            return ImmutableSortedDictionary<string, string>.Empty;
        }

        ImmutableSortedDictionary<string, string>.Builder map = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (YamlEntry entry in child.Entries)
        {
            if (child.TextOf(entry.Value, $"{child.Path}[{entry.Key}]", null) is { } value)
            {
                map[entry.Key] = value;
            }
        }

        return map.ToImmutable();
    }

    /// <summary>A value that may be a number or a word, such as a target port.</summary>
    public (int? Number, string? Text) IntegerOrText(string key, int minimum, int maximum, TextRule rule) => Find(key) switch
    {
        null => (null, null),
        YamlScalar { Type: ScalarType.Integer } scalar => (IntegerOf(scalar, FieldOf(key), minimum, maximum), null),
        { } node => (null, TextOf(node, FieldOf(key), rule)),
    };

    private IReadOnlyList<YamlEntry> Entries => mapping.Entries;

    private YamlNode? Find(string key)
    {
        _known.Add(key);
        // In Kubernetes an explicit null is the same as leaving the field out.
        return mapping[key] is { } node and not YamlScalar { Type: ScalarType.Null } ? node : null;
    }

    private ImmutableArray<T> Items<T>(string key, int maximum, Func<YamlNode, string, T?> read)
        where T : class
    {
        ImmutableArray<T>.Builder items = ImmutableArray.CreateBuilder<T>();
        foreach ((YamlNode node, string field) in Sequence(key, maximum))
        {
            if (read(node, field) is { } item)
            {
                items.Add(item);
            }
        }

        return items.ToImmutable();
    }

    private ImmutableArray<int> Items(string key, int maximum, Func<YamlNode, string, int?> read)
    {
        ImmutableArray<int>.Builder items = ImmutableArray.CreateBuilder<int>();
        foreach ((YamlNode node, string field) in Sequence(key, maximum))
        {
            if (read(node, field) is { } item)
            {
                items.Add(item);
            }
        }

        return items.ToImmutable();
    }

    private IEnumerable<(YamlNode Node, string Field)> Sequence(string key, int maximum)
    {
        YamlNode? node = Find(key);
        if (node is null)
        {
            yield break;
        }

        if (node is not YamlSequence sequence)
        {
            Error(key, $"must be a list, not {Describe(node)}");
            yield break;
        }

        if (sequence.Items.Count > maximum)
        {
            Error(key, $"has {sequence.Items.Count} items; at most {maximum} are allowed");
            yield break;
        }

        for (int index = 0; index < sequence.Items.Count; index++)
        {
            yield return (sequence.Items[index], $"{FieldOf(key)}[{index}]");
        }
    }

    private string? TextOf(YamlNode node, string field, TextRule? rule)
    {
        if (node is not YamlScalar { Type: ScalarType.Text } scalar)
        {
            string hint = node is YamlScalar ? "; put it in quotes" : "";
            context.Error(node.Line, field, $"must be a string, not {Describe(node)}{hint}");
            return null;
        }

        if (rule?.Problem(scalar.Value) is { } problem)
        {
            context.Error(node.Line, field, problem);
            return null;
        }

        return scalar.Value;
    }

    private int? IntegerOf(YamlNode node, string field, int minimum, int maximum)
    {
        if (node is not YamlScalar { Type: ScalarType.Integer } scalar)
        {
            context.Error(node.Line, field, $"must be an integer, not {Describe(node)}");
            return null;
        }

        if (!int.TryParse(scalar.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) || value < minimum || value > maximum)
        {
            context.Error(node.Line, field, $"{scalar.Value} is not between {minimum} and {maximum}");
            return null;
        }

        return value;
    }

    private T Missing<T>(string key, T standIn)
    {
        // A field that is there but wrong has been reported already.
        if (!Has(key))
        {
            context.Error(mapping.Line, FieldOf(key), "is required");
        }

        return standIn;
    }

    private static string Describe(YamlNode node) => node switch
    {
        YamlScalar { Type: ScalarType.Text } scalar => $"the string \"{scalar.Value}\"",
        YamlScalar { Type: ScalarType.Null } => "null",
        YamlScalar scalar => $"the {scalar.TypeName} {scalar.Value}",
        YamlMapping => "an object",
        _ => "a list",
    };
}

/// <summary>What a string must look like; <see cref="Words"/> completes "… must …".</summary>
internal sealed record TextRule(Regex Pattern, int MaximumLength, string Words)
{
    public string? Problem(string value)
    {
        if (value.Length > MaximumLength)
        {
            return $"has {value.Length} characters; at most {MaximumLength} are allowed";
        }

        return Pattern.IsMatch(value) ? null : $"\"{value}\" must {Words}";
    }
}
