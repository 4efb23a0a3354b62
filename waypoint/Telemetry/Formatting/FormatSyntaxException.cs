namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary>A format or an expression cannot be used; the message names the operator.</summary>
internal sealed class FormatSyntaxException(string message) : Exception(message);
