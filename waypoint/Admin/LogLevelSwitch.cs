namespace Waypoint.Proxy.Admin;

/// <summary>The log level in force, which <c>/logging</c> shows and changes while the program runs.</summary>
internal sealed class LogLevelSwitch(LogLevel level)
{
    private static readonly (string Name, LogLevel Level)[] Names =
    [
        ("trace", LogLevel.Trace),
        ("debug", LogLevel.Debug),
        ("info", LogLevel.Information),
        ("warning", LogLevel.Warning),
        ("error", LogLevel.Error),
        ("critical", LogLevel.Critical),
        ("off", LogLevel.None),
    ];

    private volatile LogLevel _level = level;

    public bool Allows(LogLevel level) => level >= _level;

    /// <summary>Envoy's form: <c>POST /logging?level=debug</c>; without a level it only tells.</summary>
    public Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Query["level"] is [{ Length: > 0 } wanted])
        {
            if (Array.Find(Names, n => n.Name == wanted) is not { Name: not null } found)
            {
                context.Response.StatusCode = StatusCodes.Status400BadRequest;
                return context.WriteTextAsync($"Unknown level \"{wanted}\"; there are {string.Join(", ", Names.Select(n => n.Name))}\n");
            }

            _level = found.Level;
        }

        return context.WriteTextAsync($"active loggers:\n  waypoint: {Names.First(n => n.Level == _level).Name}\n");
    }
}
