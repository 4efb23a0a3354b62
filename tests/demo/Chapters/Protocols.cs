using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Waypoint.TestBed;
using Waypoint.TestBed.Mesh;

namespace Waypoint.Demo.Chapters;

/// <summary>Whatever HTTP is spoken, by clients that are not ours.</summary>
internal static partial class Protocols
{
    internal static Chapter Chapter { get; } = new("Protocols, by foreign clients", [
        new("curl over HTTP/1.1 and over h2c to the same port", "both answered, each in its version", OnePortAsync),
        new("h2load: 2,000 requests, 4 connections, 10 streams each", "2,000 of 2,000 succeed", H2LoadAsync),
        new("gRPC (python3-grpcio): unary, by header, both streams, a status", "v1; v2 by header; 5 and 3 messages; the status", GrpcAsync),
        new("WebSocket (python3-websockets): three messages", "three echoes, 70,000 bytes whole", WebSocketAsync),
    ]);

    private static async Task<Seen> OnePortAsync(LocalMesh mesh)
    {
        string old = await CurlAsync(mesh, "--http1.1");
        string young = await CurlAsync(mesh, "--http2-prior-knowledge");
        return new Seen(old == "200 over HTTP/1.1" && young == "200 over HTTP/2", $"{old}; {young}");
    }

    private static async Task<string> CurlAsync(LocalMesh mesh, string version)
    {
        ProcessResult curl = await mesh["client"].RunAsync(
            "curl", ["--silent", "--show-error", "--max-time", "10", version, "--write-out", "%{http_code} over HTTP/%{http_version}", "--output", "/dev/null", "http://echo.shop/"]);
        return $"{curl.Output}{curl.Error}".Trim();
    }

    private static async Task<Seen> H2LoadAsync(LocalMesh mesh)
    {
        ProcessResult h2load = await mesh["client"].RunAsync("h2load", ["--requests=2000", "--clients=4", "--max-concurrent-streams=10", "http://echo.shop/"]);
        Match counts = StatusCodes().Match(h2load.Output);
        Match rate = Rate().Match(h2load.Output);
        return new Seen(
            counts.Groups["ok"].Value == "2000",
            counts.Success ? $"{counts.Value}; {rate.Groups["rate"].Value} requests/s" : h2load.Output + h2load.Error);
    }

    private static async Task<Seen> GrpcAsync(LocalMesh mesh)
    {
        ProcessResult python = await mesh["client"].RunPythonAsync("grpc_echo.py", "echo.shop:7070");
        if (python.ExitCode != 0)
        {
            return new Seen(false, python.Error);
        }
        using JsonDocument document = JsonDocument.Parse(python.Output);
        JsonElement answer = document.RootElement;
        string unary = answer.GetProperty("unary").GetString()!;
        string canary = answer.GetProperty("canary").GetString()!;
        int server = answer.GetProperty("serverStream").GetArrayLength();
        int both = answer.GetProperty("bidiStream").GetArrayLength();
        string status = answer.GetProperty("status").GetString()!;
        return new Seen(
            unary == "v1 hello" && canary == "v2 hello" && server == 5 && both == 3 && status == "FAILED_PRECONDITION",
            string.Create(CultureInfo.InvariantCulture, $"\"{unary}\"; \"{canary}\"; {server} and {both} messages; {status}"));
    }

    private static async Task<Seen> WebSocketAsync(LocalMesh mesh)
    {
        ProcessResult python = await mesh["client"].RunPythonAsync("websocket_echo.py", "ws://echo.shop/socket");
        string[] lines = python.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return new Seen(lines is ["3 one", "3 two", "70000 xxxxxxxx"], python.ExitCode == 0 ? string.Join("; ", lines) : python.Error);
    }

    [GeneratedRegex(@"(?<ok>\d+) 2xx, \d+ 3xx, \d+ 4xx, \d+ 5xx")]
    private static partial Regex StatusCodes();

    [GeneratedRegex(@"(?<rate>\d+)\.\d+ req/s")]
    private static partial Regex Rate();
}
