using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Waypoint.Proxy.Tests.Filters;

/// <summary>What the counters of one meter were told, from here on.</summary>
internal sealed class Counters : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentBag<string> _counted = [];

    public Counters(string meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == meter)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            var labels = string.Join(',', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"));
            _counted.Add($"{instrument.Name}{{{labels}}} {value}");
        });
        _listener.Start();
    }

    /// <summary>Such as <c>NAME{label=value} 1</c>. Other tests count at the same time: look for your own labels.</summary>
    public IReadOnlyCollection<string> All => _counted;

    public void Dispose() => _listener.Dispose();
}
