using System.Net;

namespace Waypoint.Proxy.Hosting;

/// <summary>
/// <c>pilot-agent request METHOD PATH</c>, which Istio's tools run inside the container: asks the admin server of the waypoint in the same pod and
/// prints its answer. The image has the program under that name too.
/// </summary>
internal static class AgentRequest
{
    public const string Command = "request";

    // Istio's flag for the port; its form is --debug-port 15000 or --debug-port=15000.
    private const string PortFlag = "--debug-port";
    private const int DefaultPort = 15000;

    /// <param name="arguments">What follows <see cref="Command"/>.</param>
    /// <param name="output">Gets the answer's body.</param>
    /// <param name="errors">Gets what went wrong.</param>
    /// <returns>The exit code: 0 when the answer was a success, 1 when not, 2 when the arguments make no sense.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, Stream output, TextWriter errors)
    {
        var port = DefaultPort;
        var words = new List<string>();
        for (var i = 0; i < arguments.Count; i++)
        {
            var value = arguments[i].StartsWith($"{PortFlag}=", StringComparison.Ordinal) ? arguments[i][(PortFlag.Length + 1)..]
                : arguments[i] == PortFlag && i + 1 < arguments.Count ? arguments[++i]
                : null;
            if (value is null)
            {
                words.Add(arguments[i]);
            }
            else if (!int.TryParse(value, out port) || port is < 1 or > IPEndPoint.MaxPort)
            {
                await errors.WriteLineAsync($"{PortFlag}: '{value}' is not a port");
                return 2;
            }
        }

        if (words is not [var method, var path])
        {
            await errors.WriteLineAsync("usage: pilot-agent request METHOD PATH [--debug-port PORT]");
            return 2;
        }

        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(new HttpMethod(method.ToUpperInvariant()), new Uri($"http://127.0.0.1:{port}/{path.TrimStart('/')}"));
        try
        {
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            await response.Content.CopyToAsync(output);
            await output.FlushAsync();
            return response.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            await errors.WriteLineAsync($"{request.RequestUri}: {exception.Message}");
            return 1;
        }
    }
}
