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
    private int _line = 1;

    private YamlDocuments(TextReader text) => _parser = new Parser(text);

    /// <summary>The roots of all documents; an empty document is left out.</summary>
    /// <exception cref="YamlSyntaxException">The text cannot be read; the line is where reading stopped.</exception>
    public static IReadOnlyList<YamlNode> Read(string text)
    {
        YamlDocuments documents = new(new StringReader(text));
        try
        {
            return documents.ReadAll();
        }
        catch (YamlException exception)
        {
            int line = (int)Math.Max(Math.Max(exception.Start.Line, exception.End.Line), documents._line);
            throw new YamlSyntaxException(TabbedLine(text, exception.Message, line) ?? line, exception.Message.TrimEnd('.'));
        }
        catch (InvalidOperationException)
        {
            // The parser loses its way in some texts whose brackets do not match, without a word of its own for it.
            throw new YamlSyntaxException(documents._line, "what follows this line is not YAML: a bracket or a quote may not be closed");
        }
    }

    /// <summary>The parser notices a tab, the commonest of mistakes, but not on which line it is.</summary>
    private static int? TabbedLine(string text, string message, int from)
    {
        if (!message.Contains("tab", StringComparison.Ordinal))
        {
            return null;
        }

        string[] lines = text.Split('\n');
        for (int index = from - 1; index < lines.Length; index++)
        {
            if (lines[index].AsSpan(0, lines[index].Length - lines[index].TrimStart().Length).Contains('\t'))
            {
                return index + 1;
            }
        }

        return null;
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
        _line = line;
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
