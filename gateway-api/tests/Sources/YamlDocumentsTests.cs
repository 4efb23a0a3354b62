using Waypoint.GatewayApi.Sources.Yaml;

namespace Waypoint.GatewayApi.Tests.Sources;

public class YamlDocumentsTests
{
    [Fact]
    public void Every_document_of_a_text_is_read_and_empty_ones_are_left_out() =>
        Assert.Equal(2, YamlDocuments.Read("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n").Count);

    [Fact]
    public void Json_is_read_too()
    {
        YamlMapping root = Root("""{"kind": "Pod", "metadata": {"name": "a"}}""");

        Assert.Equal("Pod", ((YamlScalar)root["kind"]!).Value);
    }

    [Fact]
    public void A_node_knows_its_line()
    {
        YamlMapping root = Root("a: 1\nb:\n- c\n- d: e\n");

        Assert.Equal(4, ((YamlSequence)root["b"]!).Items[1].Line);
        Assert.Equal(2, root.Entries[1].Line);
    }

    [Theory]
    [InlineData("v: 1", nameof(ScalarType.Integer))]
    [InlineData("v: 0x1f", nameof(ScalarType.Integer))]
    [InlineData("v: 1.5", nameof(ScalarType.Number))]
    [InlineData("v: 1e3", nameof(ScalarType.Number))]
    [InlineData("v: yes", nameof(ScalarType.Boolean))]
    [InlineData("v: off", nameof(ScalarType.Boolean))]
    [InlineData("v: ~", nameof(ScalarType.Null))]
    [InlineData("v:", nameof(ScalarType.Null))]
    [InlineData("v: 1.2.3", nameof(ScalarType.Text))]
    [InlineData("v: v1", nameof(ScalarType.Text))]
    [InlineData("v: '1'", nameof(ScalarType.Text))]
    [InlineData("v: \"true\"", nameof(ScalarType.Text))]
    public void A_word_without_quotes_has_the_type_that_Kubernetes_gives_it(string yaml, string expected) =>
        Assert.Equal(expected, ((YamlScalar)Root(yaml)["v"]!).Type.ToString());

    [Fact]
    public void An_alias_stands_for_its_anchor() =>
        Assert.Equal("x", ((YamlScalar)Root("a: &here x\nb: *here\n")["b"]!).Value);

    [Theory]
    [InlineData("a: [1, 2\nb: 3\n", 1)]
    [InlineData("a: '1\nb: 3\n", 3)]
    [InlineData("a: 1\na: 2\n", 2)]
    [InlineData("a: *nowhere\n", 1)]
    [InlineData("a: 1\n\tb: 2\n", 2)]
    [InlineData("? [a]\n: b\n", 1)]
    public void A_broken_text_is_refused_with_the_line_where_reading_stopped(string yaml, int line) =>
        Assert.Equal(line, Assert.Throws<YamlSyntaxException>(() => YamlDocuments.Read(yaml)).Line);

    [Fact]
    public void A_text_of_brackets_does_not_end_the_process()
    {
        var exception = Assert.Throws<YamlSyntaxException>(() => YamlDocuments.Read("a: " + new string('[', 20_000)));

        Assert.Contains("nested deeper than 64", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Aliases_that_multiply_are_stopped()
    {
        string yaml = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n" + string.Concat(
            Enumerable.Range(1, 9).Select(level => $"l{level}: &l{level} [{string.Join(", ", Enumerable.Repeat($"*l{level - 1}", 10))}]\n"));

        var exception = Assert.Throws<YamlSyntaxException>(() => YamlDocuments.Read(yaml));

        Assert.Contains("aliases included", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_hash_of_a_document_is_that_of_its_meaning()
    {
        string first = ContentHash.Of(Root("a: 1\nb: [x, z]\n"));

        Assert.Equal(first, ContentHash.Of(Root("# moved down\n\na:   1\nb:\n- x\n- 'z'\n")));
        Assert.NotEqual(first, ContentHash.Of(Root("a: '1'\nb: [x, z]\n")));
        Assert.NotEqual(first, ContentHash.Of(Root("a: 1\nb: [x, z, z]\n")));
    }

    private static YamlMapping Root(string yaml) => Assert.IsType<YamlMapping>(YamlDocuments.Read(yaml).Single());
}
