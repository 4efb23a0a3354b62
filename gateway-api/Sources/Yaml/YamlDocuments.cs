using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Waypoint.GatewayApi.Sources.Yaml;

/// <summary>Text that is not YAML, or not YAML that a Kubernetes object could be.</summary>
internal sealed class YamlSyntaxException(int line, string reason) : Exception(reason)
{
    public int Line { get; } = line;
}

/// <summary>
/// Reads a text of one or more YAML (or JSON) documents into nodes that know their lines. It works on the parser's
/// events because a general object model neither keeps a key's line nor stops at a depth or a size.
/// </summary>
internal sealed class YamlDocuments
{
    // Deeper than any Kubernetes object; the reader recurses, and a file of 10,000 brackets must not end the process.
    private const int MaximumDepth = 64;

    // A few nested aliases multiply into billions of nodes; this is far above the largest honest file.
    private const int MaximumNodes = 5_000_000;

    private readonly Parser _parser;
    private readonly Dictionary<string, YamlNode> _anchors = [];
    private int _nodes;

    private YamlDocuments(TextReader text) => _parser = new Parser(text);

    /// <summary>The roots of all documents; an empty document is left out.</summary>
    /// <exception cref="YamlSyntaxException">The text cannot be read; the line is where reading stopped.</exception>
    public static IReadOnlyList<YamlNode> Read(string text)
    {
        try
        {
            return new YamlDocuments(new StringReader(text)).ReadAll();
        }
        catch (YamlException exception)
        {
            throw new YamlSyntaxException((int)exception.Start.Line, Reason(exception));
        }
    }

    private static string Reason(YamlException exception)
    {
        string reason = exception.Message;
        // YamlDotNet puts "(Line: 3, Col: 5, Idx: 40) - (Line: ...): " in front of some messages.
        int end = reason.StartsWith('(') ? reason.IndexOf("): ", StringComparison.Ordinal) : -1;
        return (end < 0 ? reason : reason[(end + 3)..]).TrimEnd('.');
    }

    private List<YamlNode> ReadAll()
    {
        List<YamlNode> documents = [];
        _parser.Consume<StreamStart>();
        while (!_parser.TryConsume<StreamEnd>(out _))
        {
            _parser.Consume<DocumentStart>();
            _anchors.Clear();
            YamlNode root = ReadNode(0);
            if (root is not YamlScalar { Type: ScalarType.Null })
            {
                documents.Add(root);
            }

            _parser.Consume<DocumentEnd>();
        }

        return documents;
    }

    private YamlNode ReadNode(int depth)
    {
        ParsingEvent current = _parser.Current ?? throw new YamlSyntaxException(0, "the text ends early");
        int line = (int)current.Start.Line;
        if (depth > MaximumDepth)
        {
            throw new YamlSyntaxException(line, $"nested deeper than {MaximumDepth} levels");
        }

        Count(1, line);
        if (current is AnchorAlias alias)
        {
            _parser.MoveNext();
            return _anchors.TryGetValue(alias.Value.Value, out YamlNode? target)
                ? Reuse(target, line)
                : throw new YamlSyntaxException(line, $"alias *{alias.Value.Value} has no anchor before it");
        }

        AnchorName anchor = ((NodeEvent)current).Anchor;
        YamlNode node = current switch
        {
            Scalar => ReadScalar(line),
            SequenceStart => ReadSequence(line, depth),
            _ => ReadMapping(line, depth),
        };
        if (!anchor.IsEmpty)
        {
            _anchors[anchor.Value] = node;
        }

        return node;
    }

    private YamlNode Reuse(YamlNode target, int line)
    {
        Count(Size(target), line);
        return target;
    }

    private void Count(int more, int line)
    {
        _nodes += more;
        if (_nodes > MaximumNodes)
        {
            throw new YamlSyntaxException(line, $"more than {MaximumNodes} values, aliases included");
        }
    }

    private static int Size(YamlNode node)
    {
        int size = 1;
        switch (node)
        {
            case YamlMapping mapping:
                foreach (YamlEntry entry in mapping.Entries)
                {
                    size += size > MaximumNodes ? 0 : Size(entry.Value);
                }

                break;
            case YamlSequence sequence:
                foreach (YamlNode item in sequence.Items)
                {
                    size += size > MaximumNodes ? 0 : Size(item);
                }

                break;
        }

        return size;
    }

    private YamlScalar ReadScalar(int line)
    {
        Scalar scalar = _parser.Consume<Scalar>();
        bool plain = scalar.Style is ScalarStyle.Plain && scalar.Tag.IsEmpty;
        return new YamlScalar(line, scalar.Value, plain ? ScalarTypes.Of(scalar.Value) : ScalarType.Text);
    }

    private YamlSequence ReadSequence(int line, int depth)
    {
        _parser.Consume<SequenceStart>();
        List<YamlNode> items = [];
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(ReadNode(depth + 1));
        }

        return new YamlSequence(line, items);
    }

    private YamlMapping ReadMapping(int line, int depth)
    {
        _parser.Consume<MappingStart>();
        List<YamlEntry> entries = [];
        HashSet<string> keys = [];
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            int keyLine = (int)(_parser.Current?.Start.Line ?? line);
            if (_parser.Current is not Scalar key)
            {
                throw new YamlSyntaxException(keyLine, "a key must be a plain word");
            }

            _parser.MoveNext();
            if (!keys.Add(key.Value))
            {
                throw new YamlSyntaxException(keyLine, $"the key \"{key.Value}\" is given twice");
            }

            entries.Add(new YamlEntry(key.Value, keyLine, ReadNode(depth + 1)));
        }

        return new YamlMapping(line, entries);
    }
}
