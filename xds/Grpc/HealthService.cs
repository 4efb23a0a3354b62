using System.Collections.Concurrent;
using Grpc.Health.V1;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace Waypoint.Xds.Grpc;

/// <summary>gRPC's health checks. The name "" is the server as a whole.</summary>
public sealed class HealthService
{
    public static readonly GrpcMethod<HealthCheckRequest, HealthCheckResponse> Check = new(
        "grpc.health.v1.Health", "Check", HealthCheckRequest.Parser, HealthCheckResponse.Parser);

    public static readonly GrpcMethod<HealthCheckRequest, HealthCheckResponse> Watch = new(
        "grpc.health.v1.Health", "Watch", HealthCheckRequest.Parser, HealthCheckResponse.Parser);

    private readonly ConcurrentDictionary<string, bool> _serving = new(StringComparer.Ordinal);
    private TaskCompletionSource _changed = New();

    /// <summary>Says whether a service answers; watchers are told.</summary>
    public void Set(string service, bool serving)
    {
        _serving[service] = serving;
        Interlocked.Exchange(ref _changed, New()).SetResult();
    }

    public void AddTo(GrpcServices services)
    {
        services.AddUnary(Check, (request, _) => _serving.ContainsKey(request.Service)
            ? Task.FromResult(Find(request.Service))
            : throw new GrpcException(GrpcStatusCode.NotFound, $"unknown service {request.Service}"));
        services.AddServerStreaming(Watch, WatchAsync);
    }

    private async Task WatchAsync(HealthCheckRequest request, GrpcServerCall<HealthCheckRequest, HealthCheckResponse> call)
    {
        HealthCheckResponse? told = null;
        while (true)
        {
            // Taken before the state is read: a change in between is then seen in the next round, not missed.
            var changed = Volatile.Read(ref _changed).Task;
            var current = Find(request.Service);
            if (!current.Equals(told))
            {
                await call.WriteAsync(told = current);
            }

            await changed.WaitAsync(call.Cancellation);
        }
    }

    private HealthCheckResponse Find(string service) => new()
    {
        Status = !_serving.TryGetValue(service, out var serving) ? ServingStatus.ServiceUnknown : serving ? ServingStatus.Serving : ServingStatus.NotServing,
    };

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
