using System.Net;
using System.Reflection;
using Envoy.Service.Discovery.V3;
using Grpc.Health.V1;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Waypoint.GatewayApi.Serving;
using Waypoint.GatewayApi.Sources.Folder;
using Waypoint.Xds.Delta;
using Waypoint.Xds.Grpc;
using Waypoint.Xds.Metrics;

namespace Waypoint.ControlPlane;

internal static class Program
{
    private const int Failure = 1;
    private const int Misuse = 2;

    // New calls are refused at once; the streams that are open have this long to end.
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(1);

    private static async Task<int> Main(string[] arguments)
    {
        if (arguments.Contains("--help"))
        {
            Console.WriteLine(Options.Usage);
            return 0;
        }

        if (arguments.Contains("--version"))
        {
            Console.WriteLine(Assembly.GetExecutingAssembly().GetName().Version?.ToString(3));
            return 0;
        }

        try
        {
            Options options = Options.Parse(arguments);
            if (!Directory.Exists(options.Directory))
            {
                throw new UsageException($"--directory \"{options.Directory}\" is not a directory");
            }

            await RunAsync(options).ConfigureAwait(false);
            return 0;
        }
        catch (UsageException exception)
        {
            await Console.Error.WriteLineAsync($"waypoint-control-plane: {exception.Message}\n\n{Options.Usage}").ConfigureAwait(false);
            return Misuse;
        }
        catch (IOException exception)
        {
            // An address that is taken, most often.
            await Console.Error.WriteLineAsync($"waypoint-control-plane: {exception.Message}").ConfigureAwait(false);
            return Failure;
        }
    }

    private static async Task RunAsync(Options options)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(options.AdminAddress, listen => listen.Protocols = HttpProtocols.Http1));
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.UseUtcTimestamp = true;
        });
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        WebApplication admin = builder.Build();
        await using (admin.ConfigureAwait(false))
        {
            ILoggerFactory loggers = admin.Services.GetRequiredService<ILoggerFactory>();
            FolderSource source = new(options.Directory, loggers.CreateLogger<FolderSource>());
            using PrometheusExporter metrics = new();
            using GatewayApi.Serving.ControlPlane controlPlane = new(source, options.Mesh, loggers);
            AdminEndpoints.Map(admin, controlPlane, metrics);

            GrpcServices services = new(loggers.CreateLogger<GrpcServices>());
            controlPlane.Server.AddTo(services);
            HealthService health = new();
            health.Set("", serving: true);
            health.AddTo(services);
            new ReflectionService([AdsReflection.Descriptor, HealthReflection.Descriptor, .. ResourceJson.Files]).AddTo(services);
            CancellationToken stopping = admin.Lifetime.ApplicationStopping;
            Task loop = controlPlane.RunAsync(stopping);
            await controlPlane.Ready.ConfigureAwait(false);
            // Nobody is answered before everything is there: a proxy that reconnects must not see half a mesh.
            GrpcServer xds = await GrpcServer.StartAsync(options.XdsAddress, services, loggers, cancellation: stopping).ConfigureAwait(false);
            await using (xds.ConfigureAwait(false))
            {
                await admin.StartAsync(stopping).ConfigureAwait(false);
                Task stopped = admin.WaitForShutdownAsync(CancellationToken.None);
                // The loop ends only when told to; if it fails, the program does, and says why.
                await (await Task.WhenAny(loop, stopped).ConfigureAwait(false)).ConfigureAwait(false);
                using CancellationTokenSource deadline = new(StopTimeout);
                await xds.StopAsync(deadline.Token).ConfigureAwait(false);
            }
        }
    }
}
