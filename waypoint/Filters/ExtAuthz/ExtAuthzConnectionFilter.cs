using Waypoint.Proxy.Tcp;
using Waypoint.Proxy.Telemetry;

namespace Waypoint.Proxy.Filters.ExtAuthz;

/// <summary>Lets a service decide who may open a connection.</summary>
/// <param name="enabled">Only connections of which earlier filters told this are asked about; null: all.</param>
/// <param name="failureModeAllow">A connection passes when the service cannot be asked.</param>
/// <param name="authorizer">The service.</param>
/// <param name="metrics">Counts every answer.</param>
internal sealed class ExtAuthzConnectionFilter(
    MetadataMatch? enabled, bool failureModeAllow, GrpcAuthorizer authorizer, ExtAuthzMetrics metrics) : INetworkFilter
{
    private const string Namespace = "envoy.filters.network.ext_authz";

    public ValueTask<bool> OnConnectionAsync(TcpConnection connection) =>
        enabled?.Matches(connection.Metadata) is false ? new ValueTask<bool>(true) : CheckAsync(connection);

    private async ValueTask<bool> CheckAsync(TcpConnection connection)
    {
        var verdict = await authorizer.CheckAsync(connection).ConfigureAwait(false);
        if (verdict.Metadata is { } metadata)
        {
            foreach (var (key, value) in metadata.ToArray())
            {
                connection.Metadata.Set(Namespace, key, value?.DeepClone());
            }
        }

        var passes = verdict.Outcome == AuthzOutcome.Allowed || (verdict.Outcome == AuthzOutcome.Failed && failureModeAllow);
        metrics.Count(connection.Chain.Name, verdict.Outcome, passes);
        if (!passes)
        {
            connection.Flags |= ResponseFlags.UnauthorizedExternalService;
            connection.TerminationDetails = verdict.Outcome == AuthzOutcome.Denied ? "ext_authz_denied" : "ext_authz_error";
        }

        return passes;
    }
}
