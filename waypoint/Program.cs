using Waypoint.Proxy.Hosting;

namespace Waypoint.Proxy;

internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        WaypointOptions options;
        try
        {
            options = WaypointOptions.FromProcess(arguments);
        }
        catch (FormatException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return 2;
        }

        using var host = WaypointHost.Build(options);
        await host.RunAsync();
        return 0;
    }
}
