using System.Diagnostics;

namespace Waypoint.Cluster.Tests.Kubernetes;

/// <summary>Runs programs from PATH (kubectl, istioctl, Istio's echo client), in the environment of the tests: KUBECONFIG says which cluster.</summary>
internal static class Tool
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);

    /// <summary>Runs a program to its end and returns what it wrote to its standard output.</summary>
    /// <exception cref="InvalidOperationException">It ended with another status than 0; the message holds all that it wrote.</exception>
    public static Task<string> RunAsync(string program, params IEnumerable<string> arguments) => RunAsync(program, "", arguments);

    /// <inheritdoc cref="RunAsync(string, IEnumerable{string})"/>
    /// <param name="program">A name in PATH, or a path.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="arguments">Its arguments.</param>
    public static async Task<string> RunAsync(string program, string input, IEnumerable<string> arguments)
    {
        var result = await TryAsync(program, input, arguments);
        return result.ExitCode == 0
            ? result.Output
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: status {result.ExitCode}\n{result.Output}{result.Error}");
    }

    /// <summary>Runs a program to its end, however it ends.</summary>
    public static async Task<ProcessResult> TryAsync(string program, string input, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        using var deadline = new CancellationTokenSource(Deadline);
        var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        var error = process.StandardError.ReadToEndAsync(deadline.Token);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        try
        {
            await process.WaitForExitAsync(deadline.Token);
            return new ProcessResult(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)}: not done in {Deadline.TotalSeconds} s");
        }
    }
}
