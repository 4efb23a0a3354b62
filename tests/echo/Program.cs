using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Waypoint.Echo.Http;
using Waypoint.Echo.Tcp;

namespace Waypoint.Echo;

/// <summary>A backend for the demo and the tests: says what it received, on every protocol that a mesh carries.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        EchoOptions options;
        try
        {
            options = EchoOptions.Parse(arguments);
        }
        catch (FormatException exception)
        {
            await Console.Error.WriteLineAsync($"waypoint-echo: {exception.Message}\n{EchoOptions.Usage}");
            return 2;
        }

        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            foreach ((EchoProtocol protocol, int port) in options.Servers)
            {
                if (protocol is EchoProtocol.Http1 or EchoProtocol.Http2)
                {
                    kestrel.Listen(IPAddress.IPv6Any, port, listen =>
                        listen.Protocols = protocol == EchoProtocol.Http1 ? HttpProtocols.Http1 : HttpProtocols.Http2);
                }
            }
        });
        await using WebApplication application = builder.Build();
        application.UseWebSockets();
        application.Run(new EchoHandler(options).HandleAsync);
        await application.StartAsync();

        foreach ((EchoProtocol protocol, int port) in options.Servers)
        {
            Func<TcpSession, Task>? serve = protocol switch
            {
                EchoProtocol.Tcp => TcpConversations.EchoAsync,
                EchoProtocol.Greeting => TcpConversations.GreetAsync,
                EchoProtocol.HalfClose => TcpConversations.AnswerAfterFinAsync,
                EchoProtocol.RawHttp => RawHttpConversation.ServeAsync,
                _ => null,
            };
            if (serve is not null)
            {
                TcpServer.Start(port, options.Version, serve);
            }
        }
        Console.WriteLine("ready");
        await application.WaitForShutdownAsync();
        return 0;
    }
}
