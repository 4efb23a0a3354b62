using System.Globalization;

namespace Waypoint.Echo;

/// <summary>What the backend calls itself and which servers it opens; a port may be given more than once.</summary>
internal sealed class EchoOptions
{
    internal const string Usage = """
        waypoint-echo [--version TEXT] [--name TEXT] [--broken STATUS] SERVER...
          --http PORT        HTTP/1.1, WebSocket at any path
          --h2c PORT         HTTP/2 without TLS, gRPC service waypoint.echo.Echo
          --raw PORT         HTTP/1.1 that answers with the very bytes of the request
          --tcp PORT         sends back every byte
          --greeting PORT    speaks first: one line, then sends back every byte
          --half-close PORT  answers only after the client's FIN
          --broken STATUS    every HTTP request is answered with this status
        """;

    internal string Version { get; private set; } = "v1";

    internal string Name { get; private set; } = Environment.MachineName;

    internal int? BrokenStatus { get; private set; }

    internal List<(EchoProtocol Protocol, int Port)> Servers { get; } = [];

    /// <exception cref="FormatException">An argument is unknown or lacks its value.</exception>
    internal static EchoOptions Parse(ReadOnlySpan<string> arguments)
    {
        EchoOptions options = new();
        for (; arguments.Length >= 2; arguments = arguments[2..])
        {
            string value = arguments[1];
            switch (arguments[0])
            {
                case "--version": options.Version = value; break;
                case "--name": options.Name = value; break;
                case "--broken": options.BrokenStatus = Number(value); break;
                case "--http": options.Servers.Add((EchoProtocol.Http1, Number(value))); break;
                case "--h2c": options.Servers.Add((EchoProtocol.Http2, Number(value))); break;
                case "--raw": options.Servers.Add((EchoProtocol.RawHttp, Number(value))); break;
                case "--tcp": options.Servers.Add((EchoProtocol.Tcp, Number(value))); break;
                case "--greeting": options.Servers.Add((EchoProtocol.Greeting, Number(value))); break;
                case "--half-close": options.Servers.Add((EchoProtocol.HalfClose, Number(value))); break;
                default: throw new FormatException($"{arguments[0]}: unknown");
            }
        }
        return arguments.IsEmpty && options.Servers.Count > 0 ? options : throw new FormatException("an argument without a value, or no server");
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
