using Spectre.Console;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Sources.Folder;
using Waypoint.GatewayApi.Translation;
using Waypoint.GatewayApi.Validation;

namespace Waypoint.Ctl;

/// <summary>
/// Reads a folder as the control plane would and says what it would say: one line for each problem, file and line first, so
/// that editors find the place. Exit status 1 when something would not be in force as written.
/// </summary>
internal sealed class ValidateCommand(IAnsiConsole output, IAnsiConsole errors)
{
    private const int Invalid = 1;
    private const int Misuse = 2;

    public int Run(string directory)
    {
        if (!Directory.Exists(directory))
        {
            errors.WriteLine($"waypointctl: {directory} is not a directory");
            return Misuse;
        }

        FolderContent content = new(directory);
        content.Scan(TimeSpan.Zero);
        Translator translator = new(new MeshSettings());
        translator.Apply(content.Apply([], 0));

        List<Diagnostic> problems =
        [
            .. content.Diagnostics,
            .. translator.Routes.SelectMany(Problems),
            .. translator.Inventory.Services.Select(service => Problem(translator, service)).OfType<Diagnostic>(),
        ];
        foreach (Diagnostic problem in problems.OrderBy(problem => problem.Location.File, StringComparer.Ordinal).ThenBy(problem => problem.Location.Line))
        {
            Write(problem);
        }

        int count = problems.Count(problem => problem.Severity == Severity.Error);
        output.MarkupLine(count == 0
            ? $"[green]{translator.Inventory.Count} objects in {content.Files.Count} files: all in force[/]"
            : $"[red]{count} {(count == 1 ? "error" : "errors")}[/] in {content.Files.Count} files");
        return count == 0 ? 0 : Invalid;
    }

    /// <summary>A route that is not accepted, or not as written, is an error here: in a folder nobody else reads its status.</summary>
    private static IEnumerable<Diagnostic> Problems(RouteStatus status)
    {
        foreach (ParentStatus parent in status.Parents)
        {
            foreach (Condition condition in parent.Conditions)
            {
                bool wrong = condition.Type == "PartiallyInvalid" ? condition.Status : !condition.Status;
                if (wrong)
                {
                    Severity severity = condition.Type == "ResolvedWaypoints" ? Severity.Warning : Severity.Error;
                    yield return new Diagnostic(severity, status.Location, status.Route.ToString(), condition.Type, $"{condition.Reason}: {condition.Message}");
                }
            }
        }
    }

    private static Diagnostic? Problem(Translator translator, Service service) =>
        translator.Binding.Problem(service) is { } problem
            ? new Diagnostic(Severity.Warning, service.Location, service.Key.ToString(), WellKnown.UseWaypoint, problem)
            : null;

    private void Write(Diagnostic problem)
    {
        (string colour, string word) = problem.Severity switch
        {
            Severity.Error => ("red", "error"),
            Severity.Warning => ("yellow", "warning"),
            _ => ("grey", "notice"),
        };
        string subject = string.Join(": ", new[] { problem.Object, problem.Field }.Where(part => part.Length > 0));
        string prefix = subject.Length == 0 ? "" : $"[bold]{Markup.Escape(subject)}:[/] ";
        output.Write(new Paragraph()
            .Append($"{problem.Location}: ", new Style(decoration: Decoration.Dim))
            .Append($"{word}: ", Style.Parse(colour)));
        output.MarkupLine(prefix + Markup.Escape(problem.Reason));
    }
}
