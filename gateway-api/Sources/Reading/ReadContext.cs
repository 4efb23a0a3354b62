using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Sources.Reading;

/// <summary>Collects what is to be said about one object while it is read.</summary>
internal sealed class ReadContext(string file, ICollection<Diagnostic> diagnostics)
{
    /// <summary>Kind and name, as soon as they are known.</summary>
    public string Object { get; set; } = "";

    public bool Failed { get; private set; }

    public void Error(int line, string field, string reason)
    {
        Failed = true;
        diagnostics.Add(new Diagnostic(Severity.Error, new SourceLocation(file, line), Object, field, reason));
    }

    public void Warn(int line, string field, string reason) =>
        diagnostics.Add(new Diagnostic(Severity.Warning, new SourceLocation(file, line), Object, field, reason));
}
