using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Tcp;
using Waypoint.Proxy.Telemetry;

namespace Waypoint.Proxy.Filters;

/// <summary>Stands where the configuration has a filter that decides who may pass and that this version does not know.</summary>
internal sealed class RefuseEverything : IHttpFilter, INetworkFilter
{
    private RefuseEverything()
    {
    }

    public static RefuseEverything Instance { get; } = new();

    public async ValueTask<bool> OnRequestAsync(Exchange exchange)
    {
        await LocalReply.SendAsync(
            exchange, StatusCodes.Status403Forbidden, "RBAC: access denied", ResponseFlags.None, "filter_not_supported").ConfigureAwait(false);
        return false;
    }

    public ValueTask<bool> OnConnectionAsync(TcpConnection connection) => new(false);
}
