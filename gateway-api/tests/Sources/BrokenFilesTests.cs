using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Sources.Folder;

namespace Waypoint.GatewayApi.Tests.Sources;

/// <summary>Files that are wrong, each with exactly what the user is told.</summary>
public sealed class BrokenFilesTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string, string> Broken => new()
    {
        {
            "a bracket that is not closed",
            "kind: Service\nmetadata: {name: a\n",
            "routes.yaml:3: While parsing a flow mapping, did not find expected ',' or '}'"
        },
        {
            "a list that is not closed",
            "kind: Service\nports: [80, 81\nmetadata: {name: a}\n",
            "routes.yaml:2: what follows this line is not YAML: a bracket or a quote may not be closed"
        },
        {
            "a tab for indentation",
            "kind: Service\nmetadata:\n\tname: a\n",
            "routes.yaml:3: While scanning a mapping, found invalid tab as indentation"
        },
        {
            "a key given twice",
            "kind: Service\napiVersion: v1\nkind: Pod\n",
            "routes.yaml:3: the key \"kind\" is given twice"
        },
        {
            "a document that is a list",
            "- kind: Service\n",
            "routes.yaml:1: a document must be an object, not a list"
        },
        {
            "no kind",
            "apiVersion: v1\nmetadata: {name: a}\n",
            "routes.yaml:1: kind: is required"
        },
        {
            "a version that does not exist",
            "apiVersion: gateway.networking.k8s.io/v9\nkind: HTTPRoute\nmetadata: {name: a}\n",
            "routes.yaml:1: HTTPRoute: apiVersion: HTTPRoute has no version gateway.networking.k8s.io/v9; known are v1, v1beta1"
        },
        {
            "a name with capitals",
            "apiVersion: v1\nkind: Service\nmetadata: {name: Echo}\nspec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}\n",
            "routes.yaml:3: Service: metadata.name: \"Echo\" must be lower-case letters, digits and '-', beginning with a letter"
        },
        {
            "a port in quotes",
            "apiVersion: v1\nkind: Service\nmetadata: {name: echo}\nspec:\n  clusterIP: 10.0.0.1\n  ports:\n  - {port: \"80\"}\n",
            "routes.yaml:7: Service default/echo: spec.ports[0].port: must be an integer, not the string \"80\""
        },
        {
            "an address that is none",
            "apiVersion: v1\nkind: Service\nmetadata: {name: echo}\nspec:\n  clusterIP: 10.0.0\n  ports: [{port: 80}]\n",
            "routes.yaml:5: Service default/echo: spec.clusterIP: \"10.0.0\" is not an IP address"
        },
        {
            "a header value that YAML takes for a boolean",
            TestMesh.HttpRoute("- matches: [{headers: [{name: x, value: yes}]}]"),
            "routes.yaml:7: HTTPRoute shop/route: spec.rules[0].matches[0].headers[0].value: must be a string, not the boolean yes; put it in quotes"
        },
        {
            "a list where an object belongs",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nstatus: []\n",
            "routes.yaml:4: Pod default/a: status: must be an object, not a list"
        },
        {
            "bytes that are no text",
            "\u0000\u0001",
            "routes.yaml:1: a document must be an object, not a string"
        },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_broken_file_is_refused_with_its_place_and_the_reason(string what, string text, string expected)
    {
        Assert.NotEmpty(what);
        _folder.Write("routes.yaml", text);

        FolderContent content = new(_folder.Root);
        content.Scan(TimeSpan.Zero);
        var batch = content.Apply([], 0);

        Assert.Empty(batch.Upserts);
        Diagnostic problem = Assert.Single(content.Diagnostics, diagnostic => diagnostic.Severity == Severity.Error);
        Assert.StartsWith(Path.Combine(_folder.Root, expected), problem.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_UTF8_is_refused()
    {
        File.WriteAllBytes(_folder.PathOf("routes.yaml"), [0x61, 0x3a, 0x20, 0xff, 0xfe]);

        FolderContent content = new(_folder.Root);
        content.Scan(TimeSpan.Zero);

        Assert.Equal("is not UTF-8 text", Assert.Single(content.Diagnostics).Reason);
    }

    [Fact]
    public void One_broken_object_keeps_its_whole_file_out_and_no_other_file()
    {
        _folder.Write("good.yaml", TestMesh.Shop);
        _folder.Write("bad.yaml", TestMesh.HttpRoute("- matches: [{path: {value: nope}}]") + "\n---\n" + TestMesh.HttpRoute("- {}", "other"));

        FolderContent content = new(_folder.Root);
        content.Scan(TimeSpan.Zero);

        Assert.DoesNotContain(content.Apply([], 0).Upserts, read => read.Kind == ObjectKind.HTTPRoute);
        Assert.Contains("bad.yaml", Assert.Single(content.Diagnostics).Location.File, StringComparison.Ordinal);
    }

    [Fact]
    public void All_mistakes_of_a_file_are_told_at_once()
    {
        _folder.Write("routes.yaml", TestMesh.HttpRoute("- matches: [{path: {value: nope}, method: FETCH}]\n  backendRefs: [{name: a, port: 99999}, {port: 80}]"));

        FolderContent content = new(_folder.Root);
        content.Scan(TimeSpan.Zero);

        Assert.Equal(
            [
                "spec.rules[0].matches[0].path.value", "spec.rules[0].matches[0].method", "spec.rules[0].backendRefs[0].port",
                "spec.rules[0].backendRefs[1].name",
            ],
            content.Diagnostics.Select(diagnostic => diagnostic.Field));
    }

    [Fact]
    public void A_misspelt_field_is_a_warning_and_a_foreign_kind_a_notice()
    {
        _folder.Write("objects.yaml", TestMesh.HttpRoute("- backendRef: []") + "\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n");

        FolderContent content = new(_folder.Root);
        content.Scan(TimeSpan.Zero);

        Assert.Single(content.Apply([], 0).Upserts);
        Assert.Contains(content.Diagnostics, diagnostic => diagnostic is { Severity: Severity.Warning, Field: "spec.rules[0].backendRef", Reason: "unknown field" });
        Assert.Contains(content.Diagnostics, diagnostic => diagnostic is { Severity: Severity.Notice, Reason: "apps/v1 Deployment is not used by the mesh; ignored" });
    }

    [Fact]
    public void An_object_that_two_files_define_belongs_to_the_first_until_it_lets_go()
    {
        _folder.Write("a.yaml", TestMesh.HttpRoute("- name: first"));
        _folder.Write("b.yaml", TestMesh.HttpRoute("- name: second"));
        FolderContent content = new(_folder.Root);
        content.Scan(TimeSpan.Zero);

        Assert.Equal("first", ((RequestRoute)content.Apply([], 0).Upserts.Single()).Rules[0].Name);
        Assert.Equal($"is already defined at {_folder.PathOf("a.yaml")}:1", Assert.Single(content.Diagnostics).Reason);

        Assert.Equal("second", ((RequestRoute)content.Apply([_folder.PathOf("a.yaml")], 0).Upserts.Single()).Rules[0].Name);
        Assert.Empty(content.Diagnostics);
    }

    [Fact]
    public void An_object_may_move_from_one_file_to_another_in_one_step()
    {
        _folder.Write("a.yaml", "# nothing yet\n");
        _folder.Write("b.yaml", TestMesh.HttpRoute("- name: moved"));
        FolderContent content = new(_folder.Root);
        content.Scan(TimeSpan.Zero);
        content.Apply([], 0);

        _folder.Write("a.yaml", TestMesh.HttpRoute("- name: moved"));
        _folder.Write("b.yaml", TestMesh.HttpRoute("- name: other", "other"));
        content.Read(_folder.PathOf("a.yaml"));
        content.Read(_folder.PathOf("b.yaml"));

        Assert.Equal("other", Assert.Single(content.Apply([], 0).Upserts).Name);
        Assert.Empty(content.Diagnostics);
    }

    [Fact]
    public void Lists_and_JSON_files_are_read_at_any_depth()
    {
        Directory.CreateDirectory(_folder.PathOf("deep/er"));
        _folder.Write("deep/er/list.json", """
            {"apiVersion": "v1", "kind": "List", "items": [
              {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}},
              {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "b"}}]}
            """);
        _folder.Write(".hidden.yaml", "kind: [");
        _folder.Write("notes.txt", "kind: [");

        FolderContent content = new(_folder.Root);
        content.Scan(TimeSpan.Zero);

        Assert.Equal(["a", "b"], content.Apply([], 0).Upserts.Select(read => read.Name));
        Assert.Empty(content.Diagnostics);
    }
}
