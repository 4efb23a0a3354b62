using System.Net;
using System.Net.Sockets;
using Spectre.Console;
using Waypoint.Ctl;

namespace Waypoint.GatewayApi.Tests.Ctl;

public class DumpCommandTests
{
    [Fact]
    public async Task It_prints_the_page_that_it_is_asked_for()
    {
        using HttpListener server = new();
        int port = FreePort();
        server.Prefixes.Add($"http://127.0.0.1:{port}/");
        server.Start();
        Task<HttpListenerContext> request = server.GetContextAsync();
        Task<(int Status, string Text)> run = RunAsync("agent", "--address", $"127.0.0.1:{port}", "/debug/maps");

        HttpListenerContext context = await request;
        context.Response.OutputStream.Write("{}\n"u8);
        context.Response.Close();

        Assert.Equal("/debug/maps", context.Request.Url!.AbsolutePath);
        Assert.Equal((0, "{}\n"), await run);
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_said_so()
    {
        (int status, string text) = await RunAsync("control-plane", "--address", $"127.0.0.1:{FreePort()}");

        Assert.Equal(1, status);
        Assert.Contains("Connection refused", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("kernel")]
    [InlineData("agent", "--address")]
    [InlineData("agent", "--address", "a b")]
    public async Task A_line_that_means_nothing_is_a_misuse(params string[] arguments) => Assert.Equal(2, (await RunAsync(arguments)).Status);

    private static async Task<(int Status, string Text)> RunAsync(params string[] arguments)
    {
        using StringWriter text = new() { NewLine = "\n" };
        IAnsiConsole errors = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(text) });
        errors.Profile.Width = int.MaxValue;
        return (await new DumpCommand(text, errors).RunAsync(arguments), text.ToString());
    }

    private static int FreePort()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
