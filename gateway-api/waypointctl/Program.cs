using System.Reflection;
using Spectre.Console;

namespace Waypoint.Ctl;

/// <summary>The operator's command. Each sub-command is a class of its own.</summary>
internal static class Program
{
    private const int Misuse = 2;

    private const string Usage = """
        waypointctl validate DIR                       checks a folder of YAML as the control plane would read it
        waypointctl dump agent|waypoint|control-plane  prints what a running program knows
                    [--address HOST:PORT] [PATH]       another admin address, another page of it
        waypointctl version
        """;

    private static async Task<int> Main(string[] arguments)
    {
        IAnsiConsole output = Terminal(Console.Out, Console.IsOutputRedirected);
        IAnsiConsole errors = Terminal(Console.Error, Console.IsErrorRedirected);
        switch (arguments)
        {
            case ["validate", var directory]:
                return new ValidateCommand(output, errors).Run(directory);
            case ["dump", .. var rest]:
                return await new DumpCommand(Console.Out, errors).RunAsync(rest).ConfigureAwait(false);
            case ["version" or "--version"]:
                output.WriteLine(Assembly.GetExecutingAssembly().GetName().Version?.ToString(3) ?? "");
                return 0;
            case ["help" or "--help" or "-h"]:
                output.WriteLine(Usage);
                return 0;
            default:
                errors.WriteLine(Usage);
                return Misuse;
        }
    }

    private static IAnsiConsole Terminal(TextWriter writer, bool redirected)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = redirected ? AnsiSupport.No : AnsiSupport.Detect,
            Out = new AnsiConsoleOutput(writer),
        });
        // One problem is one line, however long: terminals wrap by themselves, and editors and grep want the line whole.
        console.Profile.Width = int.MaxValue;
        return console;
    }
}
