namespace Waypoint.GatewayApi.Model;

internal enum Severity
{
    Notice,
    Warning,
    Error,
}

/// <summary>
/// Something to tell the user about a file: which object (empty when the text does not get that far), which field,
/// and why. An error keeps the file's last good content in force.
/// </summary>
internal sealed record Diagnostic(Severity Severity, SourceLocation Location, string Object, string Field, string Reason)
{
    public override string ToString()
    {
        string subject = string.Join(": ", new[] { Object, Field }.Where(part => part.Length > 0));
        return subject.Length == 0 ? $"{Location}: {Reason}" : $"{Location}: {subject}: {Reason}";
    }
}
