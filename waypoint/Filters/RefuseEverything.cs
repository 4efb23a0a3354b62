using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Tcp;
using Waypoint.Proxy.Telemetry;

namespace Waypoint.Proxy.Filters;

/// <summary>Stands where the configuration has a filter that may decide who passes and that this version does not know.</summary>
internal sealed class RefuseEverything : IHttpFilter, INetworkFilter
{
    private readonly Func<bool> _mayBeLeftOut;

    private RefuseEverything(Func<bool> mayBeLeftOut) => _mayBeLeftOut = mayBeLeftOut;

    public static RefuseEverything Instance { get; } = new(static () => false);

    /// <summary>Refuses while <paramref name="mayBeLeftOut"/> is false.</summary>
    public static RefuseEverything Unless(Func<bool> mayBeLeftOut) => new(mayBeLeftOut);

    public ValueTask<bool> OnRequestAsync(Exchange exchange) => _mayBeLeftOut() ? new ValueTask<bool>(true) : RefuseAsync(exchange);

    public ValueTask<bool> OnConnectionAsync(TcpConnection connection) => new(_mayBeLeftOut());

    private static async ValueTask<bool> RefuseAsync(Exchange exchange)
    {
        await LocalReply.SendAsync(
            exchange, StatusCodes.Status403Forbidden, "RBAC: access denied", ResponseFlags.None, "filter_not_supported").ConfigureAwait(false);
        return false;
    }
}
