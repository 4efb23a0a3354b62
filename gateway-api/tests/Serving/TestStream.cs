using System.Net;
using Envoy.Config.Core.V3;
using Envoy.Service.Discovery.V3;
using Waypoint.Xds.Delta;
using Waypoint.Xds.Grpc;

namespace Waypoint.GatewayApi.Tests.Serving;

/// <summary>A client of delta ADS that acknowledges everything.</summary>
internal sealed class TestStream : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly GrpcChannel _channel;
    private readonly GrpcCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> _call;
    private readonly Node _node;

    public TestStream(IPEndPoint server, Node node)
    {
        _node = node;
        _channel = new GrpcChannel(new Uri($"http://{server}"), new GrpcChannelOptions { MaximumReceiveLength = 200 * 1024 * 1024 });
        _call = _channel.Start(DiscoveryService.Delta);
    }

    /// <summary>Asks for all of a type; the first answer.</summary>
    public async Task<DeltaDiscoveryResponse> SubscribeAsync(string typeUrl)
    {
        await _call.WriteAsync(new DeltaDiscoveryRequest { Node = _node, TypeUrl = typeUrl });
        return await NextAsync();
    }

    public async Task<DeltaDiscoveryResponse> NextAsync()
    {
        DeltaDiscoveryResponse? response = await _call.ReadAsync().AsTask().WaitAsync(Patience);
        Assert.NotNull(response);
        await _call.WriteAsync(new DeltaDiscoveryRequest { TypeUrl = response.TypeUrl, ResponseNonce = response.Nonce });
        return response;
    }

    public async ValueTask DisposeAsync()
    {
        await _call.DisposeAsync();
        _channel.Dispose();
    }
}
