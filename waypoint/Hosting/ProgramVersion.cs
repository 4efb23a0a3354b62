namespace Waypoint.Proxy.Hosting;

internal static class ProgramVersion
{
    /// <summary>Such as <c>1.2.3</c>.</summary>
    public static string Text { get; } = typeof(ProgramVersion).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";
}
