using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Waypoint.Proxy.Tests.Telemetry;

/// <summary>A program of others on loopback, ended with the test.</summary>
internal sealed class ForeignProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _errors;

    private ForeignProcess(Process process)
    {
        _process = process;
        _output = process.StandardOutput.ReadToEndAsync();
        _errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Starts it and waits until it accepts connections.</summary>
    public static async Task<ForeignProcess> StartAsync(IPEndPoint listens, string program, params string[] arguments)
    {
        var foreign = new ForeignProcess(Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!);
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(listens);
                return foreign;
            }
            catch (SocketException) when (!foreign._process.HasExited && Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(30))
            {
                await Task.Delay(50);
            }
            catch (SocketException)
            {
                throw new InvalidOperationException($"{program} does not listen on {listens}: {await foreign.EndAsync()}");
            }
        }
    }

    /// <summary>A port that was free a moment ago.</summary>
    public static IPEndPoint FreePort()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return new IPEndPoint(IPAddress.Loopback, ((IPEndPoint)socket.LocalEndPoint!).Port);
    }

    /// <summary>Ends it; what it said.</summary>
    public async Task<string> EndAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        return await _output + await _errors;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await EndAsync();
        }

        _process.Dispose();
    }
}
