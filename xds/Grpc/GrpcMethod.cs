using Google.Protobuf;

namespace Waypoint.Xds.Grpc;

/// <summary>A method of a service, with what reads its messages.</summary>
public sealed class GrpcMethod<TRequest, TResponse>
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    /// <param name="service">The service's full name, as "grpc.health.v1.Health".</param>
    /// <param name="name">The method's name, as "Check".</param>
    public GrpcMethod(string service, string name, MessageParser<TRequest> requestParser, MessageParser<TResponse> responseParser)
    {
        Service = service;
        Path = $"/{service}/{name}";
        RequestParser = requestParser;
        ResponseParser = responseParser;
    }

    public string Service { get; }

    /// <summary>The request's :path.</summary>
    public string Path { get; }

    internal MessageParser<TRequest> RequestParser { get; }

    internal MessageParser<TResponse> ResponseParser { get; }
}
