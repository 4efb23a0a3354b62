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
    private const int Connects = 1_000;

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
            for (var target = 0; target < targets.Length; target++)
            {
                times[target].AddRange(TimeConnects(client, targets[target]));
            }
        }

        return new ConnectTimes(Race.Median(times[0]), Race.Median(times[1]), Race.Median(times[2]));
    }

    private static IEnumerable<double> TimeConnects(Sandbox client, IPEndPoint target)
    {
        // Made ahead: making a socket in another namespace takes a thread, which would disturb what is timed.
        var sockets = Enumerable.Range(0, Connects).Select(_ => client.CreateSocket(AddressFamily.InterNetwork)).ToArray();
        foreach (var socket in sockets)
        {
            // A reset at close leaves no socket in TIME_WAIT, which would run the pod out of ports.
            socket.LingerState = new LingerOption(true, 0);
            var start = Stopwatch.GetTimestamp();
            socket.Connect(target);
            var time = Stopwatch.GetElapsedTime(start);
            socket.Dispose();
            yield return time.TotalMicroseconds;
        }
    }
}
