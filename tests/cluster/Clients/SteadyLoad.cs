using Waypoint.Cluster.Tests.Kubernetes;
using Waypoint.TestBed.Mesh;

namespace Waypoint.Cluster.Tests.Clients;

/// <summary>k6 in a pod of its own, which the node agent enrols: a constant rate of requests while something else happens.</summary>
internal sealed class SteadyLoad : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private readonly Manifest _manifest;

    private SteadyLoad(Manifest manifest) => _manifest = manifest;

    /// <summary>Starts to send and returns once requests are on their way.</summary>
    /// <param name="target">The URL.</param>
    /// <param name="rate">Requests a second.</param>
    /// <param name="duration">For how long.</param>
    public static async Task<SteadyLoad> StartAsync(string target, int rate, TimeSpan duration)
    {
        var script = await File.ReadAllTextAsync(Path.Combine(Programs.RepositoryRoot, "tests", "cluster", "config", "load.js"));
        var manifest = await Manifest.ApplyAsync(
            $$$"""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: load, namespace: {{{Shop.Name}}}}
            data:
              load.js: |
                {{{script.ReplaceLineEndings("\n    ")}}}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: load, namespace: {{{Shop.Name}}}, labels: {app: load}}
            spec:
              restartPolicy: Never
              terminationGracePeriodSeconds: 0
              volumes: [{name: script, configMap: {name: load}}]
              containers:
              - name: k6
                image: "localhost/k6:1"
                imagePullPolicy: Never
                command: [/usr/local/bin/k6, run, --quiet, --no-usage-report, /script/load.js]
                env:
                - {name: TARGET, value: "{{{target}}}"}
                - {name: RATE, value: "{{{rate}}}"}
                - {name: SECONDS, value: "{{{duration.TotalSeconds}}}"}
                - {name: HOME, value: /tmp}
                volumeMounts: [{name: script, mountPath: /script}]
            """);
        await Kubectl.RunAsync("-n", Shop.Name, "wait", "--for=condition=Ready", "pod/load", "--timeout=30s");
        return new SteadyLoad(manifest);
    }

    /// <summary>Waits for the end.</summary>
    public static async Task<LoadResult> EndAsync(TimeSpan deadline)
    {
        var phase = "";
        for (var waited = TimeSpan.Zero; waited < deadline && phase is not ("Succeeded" or "Failed"); waited += Interval)
        {
            await Task.Delay(Interval);
            phase = await Kubectl.RunAsync("-n", Shop.Name, "get", "pod", "load", "-o", "jsonpath={.status.phase}");
        }

        return LoadResult.Parse(await Kubectl.RunAsync("-n", Shop.Name, "logs", "load"));
    }

    public ValueTask DisposeAsync() => _manifest.DisposeAsync();
}
