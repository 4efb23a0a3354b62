using Envoy.Config.Core.V3;
using Envoy.Service.Auth.V3;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Tcp;
using Waypoint.Xds.Grpc;

namespace Waypoint.Proxy.Filters.ExtAuthz;

/// <param name="Cluster">The service.</param>
/// <param name="Authority">Null for the endpoint's address.</param>
/// <param name="Timeout">Null for no limit.</param>
/// <param name="Metadata">What every call carries.</param>
internal sealed record GrpcAuthorizerSettings(ClusterSlot Cluster, string? Authority, TimeSpan? Timeout, GrpcMetadata Metadata);

/// <summary>A service that speaks <c>envoy.service.auth.v3.Authorization</c>.</summary>
internal sealed class GrpcAuthorizer(GrpcAuthorizerSettings settings, CheckRequests requests, ClusterClient client) : IAuthorizer
{
    private static readonly GrpcMethod<CheckRequest, CheckResponse> Check =
        new("envoy.service.auth.v3.Authorization", "Check", CheckRequest.Parser, CheckResponse.Parser);

    private readonly GrpcChannelOptions _options = new() { Authority = settings.Authority };

    public Task<AuthzVerdict> CheckAsync(Exchange exchange, RequestStart? body, IReadOnlyDictionary<string, string> context) =>
        AskAsync(requests.Of(exchange, body, context), exchange.Context.RequestAborted);

    public Task<AuthzVerdict> CheckAsync(TcpConnection connection) => AskAsync(requests.Of(connection), CancellationToken.None);

    private async Task<AuthzVerdict> AskAsync(CheckRequest request, CancellationToken cancellation)
    {
        try
        {
            var (address, invoker) = client.Connect(settings.Cluster);
            using var channel = new GrpcChannel(address, invoker, _options);
            var options = new GrpcCallOptions { Timeout = settings.Timeout, Headers = settings.Metadata };
            return Read(await channel.CallAsync(Check, request, options, cancellation).ConfigureAwait(false));
        }
        catch (Exception e) when (e is GrpcException or ClusterCallException)
        {
            return AuthzVerdict.Failed;
        }
    }

    private static AuthzVerdict Read(CheckResponse response)
    {
        var metadata = CheckRequests.ToJson(response.DynamicMetadata);
        if (response.Status is { Code: not 0 } || response.DeniedResponse is not null)
        {
            var denied = response.DeniedResponse ?? new DeniedHttpResponse();
            var status = (int)(denied.Status?.Code ?? 0);
            return new AuthzVerdict(AuthzOutcome.Denied)
            {
                Status = status is >= 200 and < 600 ? status : StatusCodes.Status403Forbidden,
                Body = System.Text.Encoding.UTF8.GetBytes(denied.Body),
                ResponseHeaders = Mutations([], denied.Headers, absentAppends: false),
                Metadata = metadata,
            };
        }

        var ok = response.OkResponse ?? new OkHttpResponse();
        return new AuthzVerdict(AuthzOutcome.Allowed)
        {
            RequestHeaders = Mutations(ok.HeadersToRemove, ok.Headers, absentAppends: false),
            ResponseHeaders = Mutations([], ok.ResponseHeadersToAdd, absentAppends: true),
            QueryToSet = [.. ok.QueryParametersToSet.Select(p => KeyValuePair.Create(p.Key, p.Value))],
            QueryToRemove = ok.QueryParametersToRemove,
            Metadata = CheckRequests.ToJson(ok.DynamicMetadata) ?? metadata,
        };
    }

    /// <param name="remove">Headers to remove.</param>
    /// <param name="options">Headers to set or append.</param>
    /// <param name="absentAppends">What it means that <c>append</c> is not there.</param>
    private static HeaderMutations Mutations(IEnumerable<string> remove, IEnumerable<HeaderValueOption> options, bool absentAppends)
    {
        var mutations = new AuthzHeaders();
        foreach (var name in remove)
        {
            mutations.Remove(name);
        }

        foreach (var option in options)
        {
            var value = option.Header.RawValue.IsEmpty ? WireText.Of(option.Header.Value) : option.Header.RawValue.ToString(System.Text.Encoding.Latin1);
            var appends = option.Append ?? (absentAppends && option.AppendAction == HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd);
            mutations.Put(option.Header.Key, value, appends);
        }

        return mutations.Build();
    }
}
