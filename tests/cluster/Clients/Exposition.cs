using System.Globalization;
using Waypoint.Cluster.Tests.Kubernetes;

namespace Waypoint.Cluster.Tests.Clients;

/// <summary>What a program tells Prometheus, read without one.</summary>
internal static class Exposition
{
    /// <summary>The sum of a counter's series that have a label of this value.</summary>
    /// <param name="address">Host and port, then the path, such as <c>10.0.0.1:15020/metrics</c>.</param>
    /// <param name="counter">Its name.</param>
    /// <param name="label">Such as <c>destination_service</c>.</param>
    /// <param name="value">The label's value.</param>
    public static async Task<double> SumAsync(string address, string counter, string label, string value)
    {
        var metrics = await Tool.RunAsync("curl", "-s", "--max-time", "5", $"http://{address}");
        return metrics.Split('\n')
            .Where(line => line.StartsWith($"{counter}{{", StringComparison.Ordinal) && line.Contains($"{label}=\"{value}\"", StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }
}
