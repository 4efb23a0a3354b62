using Envoy.Config.Core.V3;
using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Delta.Client;

/// <summary>Whom a client asks, and as whom.</summary>
public sealed record DeltaAdsClientOptions
{
    /// <summary>http://HOST:PORT, or https with <see cref="GrpcChannelOptions.Tls"/>.</summary>
    public required Uri Address { get; init; }

    /// <summary>Who asks. The server decides by it what the client sees.</summary>
    public required Node Node { get; init; }

    /// <summary>A mesh of ten thousand workloads comes as one message of several megabytes.</summary>
    public GrpcChannelOptions Channel { get; init; } = new() { MaximumReceiveLength = 200 * 1024 * 1024 };

    public GrpcMetadata? Headers { get; init; }

    /// <summary>The first wait after a stream has broken; it doubles up to <see cref="LongestDelay"/>, each with a random half taken off.</summary>
    public TimeSpan ShortestDelay { get; init; } = TimeSpan.FromMilliseconds(10);

    public TimeSpan LongestDelay { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A stream that has answered and lived for so long was healthy: the waits begin at the shortest again.</summary>
    public TimeSpan HealthyAfter { get; init; } = TimeSpan.FromSeconds(5);
}
