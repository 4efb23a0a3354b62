using Waypoint.Proxy.Forwarding;

namespace Waypoint.Proxy.Telemetry;

/// <summary>What is told of a request once it is over.</summary>
internal sealed class RequestTelemetry
{
    public void Completed(Exchange exchange)
    {
        if (exchange is null)
        {
            throw new InvalidOperationException(GetHashCode().ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
    }
}
