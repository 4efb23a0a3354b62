using System.Diagnostics.Metrics;

namespace Waypoint.Xds.Delta;

/// <summary>What both sides of a stream count.</summary>
internal static class XdsMetrics
{
    public const string MeterName = "Waypoint.Xds";

    private static readonly Meter Meter = new(MeterName);

    public static readonly UpDownCounter<long> Connected = Meter.CreateUpDownCounter<long>(
        "waypoint_xds_connected", null, "Streams to a control plane that are open and have answered.");

    public static readonly Counter<long> Updates = Meter.CreateCounter<long>(
        "waypoint_xds_updates_total", null, "Updates received from a control plane, by type and result.");

    public static readonly UpDownCounter<long> Clients = Meter.CreateUpDownCounter<long>(
        "waypoint_xds_clients", null, "Clients whose stream is open.");

    public static readonly Counter<long> Pushes = Meter.CreateCounter<long>(
        "waypoint_xds_pushes_total", null, "Responses sent to clients, by type.");

    public static readonly Counter<long> PushedResources = Meter.CreateCounter<long>(
        "waypoint_xds_pushed_resources_total", null, "Resources in the responses sent to clients, by type.");

    public static readonly Counter<long> Rejections = Meter.CreateCounter<long>(
        "waypoint_xds_rejections_total", null, "Responses that clients have rejected, by type.");
}
