using Spectre.Console;
using Waypoint.Ctl;

namespace Waypoint.GatewayApi.Tests.Ctl;

public sealed class ValidateCommandTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_right_folder_is_in_force()
    {
        _folder.Write("shop.yaml", TestMesh.Shop);

        Assert.Equal((0, "7 objects in 1 files: all in force\n"), Run(_folder.Root));
    }

    [Fact]
    public void Each_problem_is_a_line_with_its_place_first()
    {
        _folder.Write("a.yaml", TestMesh.Shop);
        _folder.Write("b.yaml", TestMesh.HttpRoute("- backendRefs: [{name: nosuch, port: 80}]"));
        _folder.Write("c.yaml", TestMesh.HttpRoute("- matches: [{path: {value: nope}}]\n  backendRef: []", "other"));

        (int status, string text) = Run(_folder.Root);

        Assert.Equal(1, status);
        Assert.Equal(
            [
                $"{_folder.PathOf("b.yaml")}:1: error: HTTPRoute shop/route: ResolvedRefs: BackendNotFound: spec.rules[0].backendRefs[0]: Service shop/nosuch does not exist",
                $"{_folder.PathOf("c.yaml")}:7: error: HTTPRoute shop/other: spec.rules[0].matches[0].path.value: \"nope\" must begin with '/'",
                $"{_folder.PathOf("c.yaml")}:8: warning: HTTPRoute shop/other: spec.rules[0].backendRef: unknown field",
                "2 errors in 3 files",
                "",
            ],
            text.Split('\n'));
    }

    [Fact]
    public void A_service_that_asks_for_a_waypoint_that_is_not_there_is_warned_of()
    {
        _folder.Write("a.yaml", TestMesh.Shop.Replace("istio.io/use-waypoint: waypoint", "istio.io/use-waypoint: nosuch", StringComparison.Ordinal));

        (int status, string text) = Run(_folder.Root);

        Assert.Equal(0, status);
        Assert.Contains("warning: Service shop/echo: istio.io/use-waypoint: the waypoint shop/nosuch does not exist", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_with_brackets_is_shown_as_it_is()
    {
        _folder.Write("[red].yaml", "kind: \"[bold]x\"\napiVersion: v1\n");

        Assert.Contains("[red].yaml:1: notice: [bold]x: v1 [bold]x is not used by the mesh; ignored", Run(_folder.Root).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_not_there_is_a_misuse() => Assert.Equal(2, Run(_folder.PathOf("nothing")).Status);

    private static (int Status, string Text) Run(string directory)
    {
        using StringWriter text = new() { NewLine = "\n" };
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = int.MaxValue;
        return (new ValidateCommand(console, console).Run(directory), text.ToString());
    }
}
