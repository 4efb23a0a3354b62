using Microsoft.Extensions.Logging.Console;
using Waypoint.Proxy.Admin;

namespace Waypoint.Proxy.Hosting;

/// <summary>Logs on standard output, one line each, times in UTC.</summary>
internal static class ConsoleLogging
{
    private const string Timestamp = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z' ";

    public static ILoggingBuilder AddWaypointConsole(this ILoggingBuilder logging, WaypointArguments arguments)
    {
        var level = new LogLevelSwitch(arguments.LogLevel);
        logging.Services.AddSingleton(level);
        logging.SetMinimumLevel(LogLevel.Trace);
        logging.AddFilter((_, one) => level.Allows(one));

        // Kestrel's informational lines come per connection.
        logging.AddFilter("Microsoft", LogLevel.Warning);
        if (arguments.LogAsJson)
        {
            return logging.AddJsonConsole(options => Configure(options));
        }

        return logging.AddSimpleConsole(options =>
        {
            options.SingleLine = true;
            Configure(options);
        });
    }

    private static void Configure(ConsoleFormatterOptions options)
    {
        options.UseUtcTimestamp = true;
        options.TimestampFormat = Timestamp;
    }
}
