using Envoy.Service.Discovery.V3;
using Google.Protobuf.Reflection;
using Grpc.Reflection.V1;
using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Tests.Grpc;

public sealed class ReflectionTests
{
    private static readonly GrpcMethod<ServerReflectionRequest, ServerReflectionResponse> Info = new(
        "grpc.reflection.v1.ServerReflection", "ServerReflectionInfo", ServerReflectionRequest.Parser, ServerReflectionResponse.Parser);

    [Fact]
    public async Task A_stranger_learns_the_services_and_their_messages()
    {
        await using var server = await EchoService.StartAsync(more: services => new ReflectionService(AdsReflection.Descriptor).AddTo(services));
        using var channel = new GrpcChannel(new Uri($"http://{server.EndPoint}"));
        await using var call = channel.Start(Info);

        var list = await AskAsync(new ServerReflectionRequest { ListServices = "*" });
        Assert.Equal(
            ["envoy.service.discovery.v3.AggregatedDiscoveryService", "grpc.reflection.v1.ServerReflection"],
            list.ListServicesResponse.Service.Select(service => service.Name));

        var file = await AskAsync(new ServerReflectionRequest { FileContainingSymbol = list.ListServicesResponse.Service[0].Name });
        var described = FileDescriptorProto.Parser.ParseFrom(Assert.Single(file.FileDescriptorResponse.FileDescriptorProto));
        Assert.Equal("DeltaAggregatedResources", Assert.Single(described.Service).Method.Single().Name);

        // What a file imports can be asked for by its name, down to the last.
        foreach (var dependency in described.Dependency)
        {
            Assert.NotNull((await AskAsync(new ServerReflectionRequest { FileByFilename = dependency })).FileDescriptorResponse);
        }

        Assert.NotNull((await AskAsync(new ServerReflectionRequest { FileContainingSymbol = "envoy.config.core.v3.Node" })).FileDescriptorResponse);
        Assert.Equal(5, (await AskAsync(new ServerReflectionRequest { FileContainingSymbol = "no.such.Thing" })).ErrorResponse.ErrorCode);

        async Task<ServerReflectionResponse> AskAsync(ServerReflectionRequest request)
        {
            await call.WriteAsync(request);
            return await call.ReadAsync() ?? throw new InvalidOperationException("the stream has ended");
        }
    }
}
