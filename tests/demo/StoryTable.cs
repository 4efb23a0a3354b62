using System.Globalization;
using Spectre.Console;

namespace Waypoint.Demo;

/// <summary>The table that a person watches: each row appears as soon as it is known, on a terminal and in a pipe alike.</summary>
internal sealed class StoryTable
{
    private static readonly int[] Widths = [1, 46, 40, 56, 8];
    private int _lines;
    private int _held;

    internal StoryTable()
    {
        // The rows keep their width where a terminal would not say one; a file gets no colours.
        AnsiConsole.Profile.Width = Widths.Sum() + (2 * Widths.Length);
        AnsiConsole.Profile.Capabilities.Ansi &= !Console.IsOutputRedirected;
    }

    internal void Head()
    {
        AnsiConsole.WriteLine();
        Row("", "[bold]what was done[/]", "[bold]what was expected[/]", "[bold]what was seen[/]", "[bold]took[/]");
    }

    internal void Begin(string chapter)
    {
        AnsiConsole.WriteLine();
        AnsiConsole.Write(new Rule($"[bold deepskyblue1]{Markup.Escape(chapter)}[/]").LeftJustified().RuleStyle("grey35"));
    }

    /// <summary>Shows what is being done, where there is someone to see it, until it is done.</summary>
    internal async Task<Seen> WatchAsync(Line line, Func<Task<Seen>> run) => AnsiConsole.Profile.Capabilities.Interactive
        ? await AnsiConsole.Status().StartAsync(Markup.Escape(line.Done), _ => run())
        : await run();

    internal void Add(Line line, Seen seen, TimeSpan took)
    {
        _lines++;
        _held += seen.Held ? 1 : 0;
        string colour = seen.Held ? "green" : "red bold";
        Row(
            seen.Held ? "[green]✔[/]" : "[red bold]✘[/]",
            Markup.Escape(line.Done),
            $"[grey62]{Markup.Escape(line.Expected)}[/]",
            $"[{colour}]{Markup.Escape(seen.Text)}[/]",
            $"[grey50]{Duration(took)}[/]");
    }

    internal void End(TimeSpan took)
    {
        AnsiConsole.WriteLine();
        string verdict = _held == _lines
            ? $"[green bold]All {_lines} lines held[/]"
            : $"[red bold]{_lines - _held} of {_lines} lines did not hold[/]";
        AnsiConsole.MarkupLine($"{verdict} [grey50]in {Duration(took)}.[/]");
    }

    private static void Row(params string[] cells)
    {
        Table row = new Table().Border(TableBorder.None).HideHeaders();
        foreach (int width in Widths)
        {
            row.AddColumn(new TableColumn("").Width(width).Padding(0, 0, 2, 0));
        }
        row.Columns[^1].RightAligned();
        AnsiConsole.Write(row.AddRow(cells));
    }

    private static string Duration(TimeSpan time) => time.TotalSeconds >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s")
        : string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0} ms");
}
