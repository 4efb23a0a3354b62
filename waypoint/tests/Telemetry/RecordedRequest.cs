using System.Net;
using System.Text.Json.Nodes;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Telemetry.Formatting;
using Waypoint.Proxy.Tests.Forwarding;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Telemetry;

/// <summary>One request through the pipeline, looked at when it is over. Its client is the workload curl of namespace shop.</summary>
internal static class RecordedRequest
{
    /// <returns>What <paramref name="look"/> saw, and the backend's address.</returns>
    public static async Task<(T Seen, string Backend)> AtEndAsync<T>(Func<StreamInfo, T> look)
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nX-Back: yes\r\nContent-Length: 5\r\n\r\nhello");
        var workloads = new WorkloadDirectory();
        workloads.Upsert(new Workload { Uid = "client", Addresses = [IPAddress.Loopback], WorkloadName = "curl", Namespace = "shop" });
        var recorder = new Recorder<T>(look);
        await using var proxy = await StartAsync(new HttpChain
        {
            Name = "inbound-vip|80|http|echo.shop.svc.cluster.local",
            Routes = new RouteTable([RouteTo(Forward(backend.Address))]),
            Workloads = workloads,
            Filters = [recorder],
        });
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync(
            "POST /p/x?c=1 HTTP/1.1\r\nHost: echo\r\nX-Request-Id: mine\r\nX-Long: abcdefgh\r\nX-Dup: one\r\nX-Dup: two\r\nX-Empty:\r\n"
            + "X-Quote: a\"b\\c<\u00c3\u00a9>\r\nX-Forwarded-For: 1.2.3.4, 10.0.0.1\r\nContent-Length: 3\r\n\r\nabc");
        await client.ReadMessageAsync();
        return (await recorder.Seen.WaitAsync(TimeSpan.FromSeconds(10)), backend.Address.ToString());
    }

    private sealed class Recorder<T>(Func<StreamInfo, T> look) : IHttpFilter
    {
        private readonly TaskCompletionSource<T> _seen = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Seen => _seen.Task;

        public ValueTask<bool> OnRequestAsync(Exchange exchange)
        {
            exchange.Metadata.Set("ns", "text", "a b");
            exchange.Metadata.Set("ns", "deep", new JsonObject { ["number"] = 7 });
            exchange.Context.Response.OnCompleted(() =>
            {
                try
                {
                    _seen.SetResult(look(new StreamInfo(exchange)));
                }
                catch (Exception e)
                {
                    _seen.SetException(e);
                }

                return Task.CompletedTask;
            });
            return new ValueTask<bool>(true);
        }
    }
}
