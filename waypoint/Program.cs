using Waypoint.Proxy.Hosting;

namespace Waypoint.Proxy;

internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is [AgentRequest.Command, .. var rest])
        {
            return await AgentRequest.RunAsync(rest, Console.OpenStandardOutput(), Console.Error);
        }

        try
        {
            using var host = WaypointHost.Build(WaypointOptions.FromProcess(arguments));
            await host.RunAsync();
            return 0;
        }
        catch (FormatException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return 2;
        }
    }
}
