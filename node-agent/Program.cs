using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Hosting;
using Waypoint.NodeAgent.Kubernetes;
using Waypoint.NodeAgent.Libbpf;

namespace Waypoint.NodeAgent;

internal static class Program
{
    private const int Failed = 1;
    private const int BadUsage = 2;

    private static async Task<int> Main(string[] arguments)
    {
        try
        {
            switch (arguments)
            {
                case ["--help" or "-h" or "help", ..]:
                    Console.WriteLine(AgentOptions.Usage);
                    return 0;
                case ["uninstall", .. var rest]:
                    KernelEngine.Uninstall(AgentOptions.ParseUninstall(rest));
                    return 0;
                default:
                    await RunAsync(AgentOptions.Parse(arguments, Environment.GetEnvironmentVariable)).ConfigureAwait(false);
                    return 0;
            }
        }
        catch (BadFlagException exception)
        {
            Console.Error.WriteLine($"waypoint-node-agent: {exception.Message}\n\n{AgentOptions.Usage}");
            return BadUsage;
        }
        catch (Exception exception) when (exception is KernelEngineException or LibbpfException or KubernetesException or IOException)
        {
            Console.Error.WriteLine($"waypoint-node-agent: {exception.Message}");
            return Failed;
        }
    }

    private static async Task RunAsync(AgentOptions options)
    {
        using KernelEngine engine = KernelEngine.Open(new KernelEngineOptions
        {
            CgroupPath = options.CgroupPath,
            BpffsPath = options.BpffsPath,
            MountBpffs = !options.Kubernetes,
            BalanceAll = options.Node.ReplacesKubeProxy,

            // Which pods are enrolled is in the maps only, unless labels tell it again.
            OnLayoutChange = options.Kubernetes ? LayoutChange.Replace : LayoutChange.Refuse,
        });
        await using WebApplication host = AgentHost.Build(options, engine);
        await host.StartAsync().ConfigureAwait(false);
        await host.WaitForShutdownAsync().ConfigureAwait(false);

        // A service that fails stops the host, which calls that a success.
        foreach (Task service in host.Services.GetServices<IHostedService>().OfType<BackgroundService>().Select(service => service.ExecuteTask).OfType<Task>())
        {
            if (service.IsFaulted)
            {
                await service.ConfigureAwait(false);
            }
        }
    }
}
