namespace Waypoint.GatewayApi.Sources.Yaml;

/// <summary>A piece of a document and the line it begins on, counted from 1.</summary>
internal abstract class YamlNode(int line)
{
    public int Line { get; } = line;

    /// <summary>The JSON word for what this is: what Kubernetes would say a field holds.</summary>
    public abstract string TypeName { get; }
}

internal sealed class YamlMapping(int line, IReadOnlyList<YamlEntry> entries) : YamlNode(line)
{
    public IReadOnlyList<YamlEntry> Entries { get; } = entries;

    public override string TypeName => "object";

    public YamlNode? this[string key]
    {
        get
        {
            foreach (YamlEntry entry in Entries)
            {
                if (entry.Key == key)
                {
                    return entry.Value;
                }
            }

            return null;
        }
    }
}

internal sealed record YamlEntry(string Key, int Line, YamlNode Value);

internal sealed class YamlSequence(int line, IReadOnlyList<YamlNode> items) : YamlNode(line)
{
    public IReadOnlyList<YamlNode> Items { get; } = items;

    public override string TypeName => "list";
}

internal enum ScalarType
{
    Null,
    Boolean,
    Integer,
    Number,
    Text,
}

internal sealed class YamlScalar(int line, string value, ScalarType type) : YamlNode(line)
{
    public string Value { get; } = value;

    public ScalarType Type { get; } = type;

    public override string TypeName => Type switch
    {
        ScalarType.Null => "null",
        ScalarType.Boolean => "boolean",
        ScalarType.Integer => "integer",
        ScalarType.Number => "number",
        _ => "string",
    };
}
