using Google.Protobuf.Reflection;
using Grpc.Reflection.V1;

namespace Waypoint.Xds.Grpc;

/// <summary>Tells tools such as grpcurl which services there are and how their messages look.</summary>
public sealed class ReflectionService
{
    private static readonly string[] Versions = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

    private readonly string[] _services;
    private readonly Dictionary<string, FileDescriptor> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FileDescriptor> _symbols = new(StringComparer.Ordinal);

    /// <param name="served">The files that declare the services, and those of the messages that may be inside an Any.</param>
    public ReflectionService(params IEnumerable<FileDescriptor> served)
    {
        foreach (var file in served.Append(ReflectionReflection.Descriptor))
        {
            Add(file);
        }

        _services = [.. _files.Values.SelectMany(file => file.Services).Select(service => service.FullName).Order(StringComparer.Ordinal)];
    }

    public void AddTo(GrpcServices services)
    {
        foreach (var version in Versions)
        {
            // The messages of both are the same but for their package's name.
            services.Add(
                new GrpcMethod<ServerReflectionRequest, ServerReflectionResponse>(
                    version, "ServerReflectionInfo", ServerReflectionRequest.Parser, ServerReflectionResponse.Parser),
                AnswerAsync);
        }
    }

    private async Task AnswerAsync(GrpcServerCall<ServerReflectionRequest, ServerReflectionResponse> call)
    {
        while (await call.ReadAsync() is { } request)
        {
            var response = new ServerReflectionResponse { ValidHost = request.Host, OriginalRequest = request };
            switch (request.MessageRequestCase)
            {
                case ServerReflectionRequest.MessageRequestOneofCase.ListServices:
                    response.ListServicesResponse = new ListServiceResponse();
                    response.ListServicesResponse.Service.Add(_services.Select(name => new ServiceResponse { Name = name }));
                    break;
                case ServerReflectionRequest.MessageRequestOneofCase.FileByFilename:
                    Describe(response, _files.GetValueOrDefault(request.FileByFilename), request.FileByFilename);
                    break;
                case ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol:
                    Describe(response, _symbols.GetValueOrDefault(request.FileContainingSymbol), request.FileContainingSymbol);
                    break;
                default:
                    // proto3 has no extensions that could be asked for.
                    response.ErrorResponse = Error(GrpcStatusCode.Unimplemented, "only files, symbols and the list of services are known");
                    break;
            }

            await call.WriteAsync(response);
        }
    }

    private static void Describe(ServerReflectionResponse response, FileDescriptor? file, string name)
    {
        if (file is null)
        {
            response.ErrorResponse = Error(GrpcStatusCode.NotFound, $"unknown: {name}");
            return;
        }

        response.FileDescriptorResponse = new FileDescriptorResponse();
        response.FileDescriptorResponse.FileDescriptorProto.Add(file.SerializedData);
    }

    private static ErrorResponse Error(GrpcStatusCode code, string message) => new() { ErrorCode = (int)code, ErrorMessage = message };

    private void Add(FileDescriptor file)
    {
        if (!_files.TryAdd(file.Name, file))
        {
            return;
        }

        foreach (var service in file.Services)
        {
            _symbols[service.FullName] = file;
            foreach (var method in service.Methods)
            {
                _symbols[method.FullName] = file;
            }
        }

        foreach (var message in file.MessageTypes)
        {
            Add(message, file);
        }

        foreach (var enumeration in file.EnumTypes)
        {
            _symbols[enumeration.FullName] = file;
        }

        foreach (var dependency in file.Dependencies)
        {
            Add(dependency);
        }
    }

    private void Add(MessageDescriptor message, FileDescriptor file)
    {
        _symbols[message.FullName] = file;
        foreach (var nested in message.NestedTypes)
        {
            Add(nested, file);
        }

        foreach (var enumeration in message.EnumTypes)
        {
            _symbols[enumeration.FullName] = file;
        }
    }
}
