using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Waypoint.TestBed;

namespace Waypoint.Bench;

/// <summary>Medians of connect(), in microseconds.</summary>
internal sealed record ConnectTimes(double Direct, double Balanced, double ThroughWaypoint);

/// <summary>What a blocking connect() takes: to the backend itself, to a service that the kernel balances, and to one behind a waypoint.</summary>
internal static class ConnectCost
{
    private const int Connects = 3_000;

    public static ConnectTimes Measure(Sandbox client, int rounds)
    {
        var targets = new IPEndPoint[]
        {
            new(IPAddress.Parse("10.244.0.10"), 8080),
            new(IPAddress.Parse("10.96.0.11"), 80),
            new(IPAddress.Parse("10.96.0.10"), 80),
        };
        var times = targets.Select(_ => new List<double>(Connects * rounds)).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            TimeConnects(client, targets, times);
        }

        return new ConnectTimes(Race.Median(times[0]), Race.Median(times[1]), Race.Median(times[2]));
    }

    /// <summary>The targets take turns connect by connect: one after the other, whichever came first paid for a cold machine.</summary>
    private static void TimeConnects(Sandbox client, IPEndPoint[] targets, List<double>[] times)
    {
        // Made ahead: making a socket in another namespace takes a thread, which would disturb what is timed.
        var sockets = Enumerable.Range(0, Connects).Select(_ => client.CreateSocket(AddressFamily.InterNetwork)).ToArray();
        for (var i = 0; i < sockets.Length; i++)
        {
            using var socket = sockets[i];
            // A reset at close leaves no socket in TIME_WAIT, which would run the pod out of ports.
            socket.LingerState = new LingerOption(true, 0);
            var start = Stopwatch.GetTimestamp();
            socket.Connect(targets[i % targets.Length]);
            times[i % targets.Length].Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }
    }
}
