using System.Net;
using System.Net.Sockets;
using Waypoint.TestBed;

namespace Waypoint.Bpf.Tests;

/// <summary>New connections one after the other, on threads of their own, until it is stopped.</summary>
internal sealed class ConnectLoad : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly List<Thread> _threads = [];
    private volatile bool _stopped;
    private int _connections;
    private int _failures;
    private int _lastError;

    /// <param name="listeners">Where the connections arrive; they are taken and closed.</param>
    public ConnectLoad(Pod from, IPEndPoint destination, params Socket[] listeners)
    {
        for (var thread = 0; thread < 2; thread++)
        {
            Start(() =>
            {
                using var client = Sockets.Client(from, destination.AddressFamily);
                // A reset and not TIME_WAIT at the end: thousands of connections must not use up the ports.
                client.LingerState = new LingerOption(true, 0);
                var error = client.TryConnect(destination);
                if (error != Sockets.NoError)
                {
                    Volatile.Write(ref _lastError, error);
                    Interlocked.Increment(ref _failures);
                }

                Interlocked.Increment(ref _connections);
            });
        }

        foreach (var listener in listeners)
        {
            Start(() =>
            {
                if (listener.Poll(TimeSpan.FromMilliseconds(20), SelectMode.SelectRead))
                {
                    listener.Accept().Dispose();
                }
            });
        }
    }

    public int Connections => Volatile.Read(ref _connections);

    public int Failures => Volatile.Read(ref _failures);

    /// <summary>The errno of the last failure.</summary>
    public int LastError => Volatile.Read(ref _lastError);

    public void RunUntil(int connections) =>
        Assert.True(SpinWait.SpinUntil(() => Connections >= connections, Deadline), $"only {Connections} of {connections} connections");

    public void Stop()
    {
        _stopped = true;
        _threads.ForEach(thread => thread.Join());
        _threads.Clear();
    }

    public void Dispose() => Stop();

    private void Start(Action step)
    {
        var thread = new Thread(() =>
        {
            while (!_stopped)
            {
                step();
            }
        });
        thread.Start();
        _threads.Add(thread);
    }
}
