using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Waypoint.TestBed.Traffic;

/// <summary>
/// A steady load that forgives nothing: new connections at a fixed rate, whatever became of the earlier ones, and open connections that
/// send a request now and then. No client retries; a connection that the server announced it would close is simply opened again.
/// </summary>
public sealed class SteadyLoad : IAsyncDisposable
{
    private const string OnNewConnection = "GET /new HTTP/1.1\r\nHost: load\r\nConnection: close\r\n\r\n";
    private const string OnOpenConnection = "GET /open HTTP/1.1\r\nHost: load\r\n\r\n";
    private static readonly TimeSpan RequestDeadline = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly Sandbox _from;
    private readonly string _host;
    private readonly int _port;
    private readonly Task _running;
    private int _newConnections;
    private int _openRequests;

    private SteadyLoad(Sandbox from, string host, int port, SteadyLoadOptions options)
    {
        (_from, _host, _port) = (from, host, port);
        _running = Task.WhenAll([
            OpenNewConnectionsAsync(options.NewConnectionsPerSecond),
            .. Enumerable.Range(0, options.OpenConnections).Select(_ => UseOpenConnectionAsync(options.OpenInterval)),
        ]);
    }

    /// <summary>Requests that were answered or failed so far, on new connections.</summary>
    public int NewConnections => Volatile.Read(ref _newConnections);

    public int OpenRequests => Volatile.Read(ref _openRequests);

    /// <summary>Since the load began.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);

    /// <summary>What went wrong, one text a failed request, with the time since the load began.</summary>
    public IReadOnlyCollection<string> Failures => _failures;

    public static SteadyLoad Start(Sandbox from, string host, int port, SteadyLoadOptions options) => new(from, host, port, options);

    /// <summary>Waits until so many more requests are done on new connections.</summary>
    public Task WaitForMoreAsync(int requests, TimeSpan deadline)
    {
        int goal = NewConnections + requests;
        return Eventually.TrueAsync(() => NewConnections >= goal, deadline, $"{requests} more requests");
    }

    /// <summary>Ends the load after the requests that are under way.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task OpenNewConnectionsAsync(int perSecond)
    {
        List<Task> underWay = [];
        long start = Stopwatch.GetTimestamp();
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(5));
        for (int sent = 0; !_stop.IsCancellationRequested;)
        {
            // What the clock owes, so that the rate holds whatever the timer's resolution.
            for (int due = (int)(Stopwatch.GetElapsedTime(start).TotalSeconds * perSecond); sent < due; sent++)
            {
                underWay.Add(Task.Run(RequestOnNewConnectionAsync));
            }
            underWay.RemoveAll(task => task.IsCompleted);
            await timer.WaitForNextTickAsync().ConfigureAwait(false);
        }
        await Task.WhenAll(underWay).ConfigureAwait(false);
    }

    private async Task RequestOnNewConnectionAsync()
    {
        using CancellationTokenSource deadline = new(RequestDeadline);
        try
        {
            Judge(await HttpConnection.OnceAsync(_from, _host, _port, OnNewConnection, deadline.Token).ConfigureAwait(false));
        }
        catch (Exception exception) when (exception is SocketException or IOException or OperationCanceledException)
        {
            Fail($"new connection: {exception.Message}");
        }
        Interlocked.Increment(ref _newConnections);
    }

    private async Task UseOpenConnectionAsync(TimeSpan interval)
    {
        HttpConnection? connection = null;
        using PeriodicTimer timer = new(interval);
        while (!_stop.IsCancellationRequested)
        {
            using CancellationTokenSource deadline = new(RequestDeadline);
            try
            {
                connection ??= await HttpConnection.OpenAsync(_from, _host, _port, deadline.Token).ConfigureAwait(false);
                HttpAnswer answer = await connection.ExchangeAsync(OnOpenConnection, deadline.Token).ConfigureAwait(false);
                Judge(answer);
                if (answer.EndsConnection)
                {
                    connection.Dispose();
                    connection = null;
                }
            }
            catch (Exception exception) when (exception is SocketException or IOException or OperationCanceledException)
            {
                Fail($"open connection: {exception.Message}");
                connection?.Dispose();
                connection = null;
            }
            Interlocked.Increment(ref _openRequests);
            await timer.WaitForNextTickAsync().ConfigureAwait(false);
        }
        connection?.Dispose();
    }

    private void Fail(string what) => _failures.Enqueue(string.Create(CultureInfo.InvariantCulture, $"after {Elapsed.TotalSeconds:0.0} s: {what}"));

    private void Judge(HttpAnswer answer)
    {
        if (answer.Status != 200)
        {
            Fail($"{answer.HeadLines[0]}: {answer.Text}");
        }
    }
}
