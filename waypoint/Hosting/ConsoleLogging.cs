using Microsoft.Extensions.Logging.Console;

namespace Waypoint.Proxy.Hosting;

/// <summary>Logs on standard output, one line each, times in UTC.</summary>
internal static class ConsoleLogging
{
    private const string Timestamp = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z' ";

    public static ILoggingBuilder AddWaypointConsole(this ILoggingBuilder logging, WaypointArguments arguments)
    {
        logging.SetMinimumLevel(arguments.LogLevel);

        // Kestrel's and YARP's informational lines come per connection and per request.
        logging.AddFilter("Microsoft", LogLevel.Warning);
        logging.AddFilter("Yarp", LogLevel.Warning);
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
