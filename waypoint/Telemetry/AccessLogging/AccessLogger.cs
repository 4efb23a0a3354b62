using Waypoint.Proxy.Telemetry.Formatting;

namespace Waypoint.Proxy.Telemetry.AccessLogging;

/// <summary>One access log of a chain: what gets a line, how the line looks, where it goes. Immutable.</summary>
/// <param name="Path">A file; <c>/dev/stdout</c> and <c>/dev/stderr</c> are the program's own.</param>
/// <param name="Format">The line.</param>
/// <param name="Filter">Null when everything gets a line.</param>
internal sealed record AccessLogger(string Path, LineFormat Format, LogFilter? Filter)
{
    public const string StandardOutput = "/dev/stdout";
    public const string StandardError = "/dev/stderr";
}
