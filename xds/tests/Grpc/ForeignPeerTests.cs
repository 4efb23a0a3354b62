using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Xds.Grpc;
using static Waypoint.Xds.Tests.Grpc.EchoService;

namespace Waypoint.Xds.Tests.Grpc;

/// <summary>Google's own gRPC (Debian's python3-grpcio) as the peer of our client and of our server.</summary>
public sealed class ForeignPeerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Googles_client_is_content_with_our_server()
    {
        await using var server = await StartAsync();
        using var peer = StartPeer("client", server.EndPoint.ToString());
        var output = await peer.StandardOutput.ReadToEndAsync().WaitAsync(Patience);
        Assert.True(peer.WaitForExit(Patience) && peer.ExitCode == 0, await peer.StandardError.ReadToEndAsync());

        var seen = JsonDocument.Parse(output).RootElement;
        Assert.Equal("hello", seen.GetProperty("unary").GetString());
        Assert.Equal("", seen.GetProperty("empty").GetString());
        Assert.Equal(3_000_000, seen.GetProperty("big").GetInt32());
        Assert.Equal("x-one=1,x-two-bin=AP8", seen.GetProperty("headers").GetString()!.Replace("=,", ",", StringComparison.Ordinal).TrimEnd('='));
        Assert.Equal("50000", seen.GetProperty("upload").GetString());
        Assert.Equal("[\"0\", \"1\", \"2\", \"3\", \"4\"]", seen.GetProperty("download").GetRawText());
        Assert.Equal("[\"a\", \"b\", \"c\"]", seen.GetProperty("chat").GetRawText());
        Assert.Equal("FAILED_PRECONDITION", seen.GetProperty("failure").GetProperty("code").GetString());
        Assert.Equal("naïve 100%\nfailure", seen.GetProperty("failure").GetProperty("details").GetString());
        Assert.Equal("asked for", seen.GetProperty("failure").GetProperty("trailers").GetProperty("reason").GetString());
        Assert.Equal("000102ff", seen.GetProperty("failure").GetProperty("trailers").GetProperty("detail-bin").GetString());
        Assert.Equal("ABORTED", seen.GetProperty("late").GetProperty("code").GetString());
        Assert.Equal("DEADLINE_EXCEEDED", seen.GetProperty("deadline").GetString());
        Assert.Equal("UNIMPLEMENTED", seen.GetProperty("unknown").GetString());
        Assert.Equal("UNIMPLEMENTED", seen.GetProperty("compressed").GetString());
        Assert.True(seen.GetProperty("fast").GetBoolean());
    }

    [Fact]
    public async Task Our_client_is_content_with_Googles_server()
    {
        using var peer = StartPeer("server");
        try
        {
            var port = await peer.StandardOutput.ReadLineAsync().WaitAsync(Patience);
            using var channel = new GrpcChannel(new Uri($"http://127.0.0.1:{port}"));
            await CheckAsync(channel);
        }
        finally
        {
            peer.StandardInput.Close();
            if (!peer.WaitForExit(Patience))
            {
                peer.Kill();
            }
        }
    }

    private static async Task CheckAsync(GrpcChannel channel)
    {
        Assert.Equal("hello", (await channel.CallAsync(Unary, Bytes("hello"))).Value.ToStringUtf8());
        Assert.Equal(3_000_000, (await channel.CallAsync(Unary, new BytesValue { Value = ByteString.CopyFrom(new byte[3_000_000]) })).Value.Length);
        Assert.Equal(
            "yes", (await channel.CallAsync(Unary, Bytes("deadline"), new GrpcCallOptions { Timeout = TimeSpan.FromSeconds(30) })).Value.ToStringUtf8());

        var failure = await Assert.ThrowsAsync<GrpcException>(() => channel.CallAsync(Unary, Bytes("fail")));
        Assert.Equal(new GrpcStatus(GrpcStatusCode.FailedPrecondition, "naïve 100%\nfailure"), failure.Status);
        Assert.Equal("4", failure.Trailers.Find("length"));
        Assert.Equal([0, 1, 2, 255], failure.Trailers.FindBinary("detail-bin"));

        var unknown = new GrpcMethod<BytesValue, BytesValue>(Name, "Missing", BytesValue.Parser, BytesValue.Parser);
        Assert.Equal(
            GrpcStatusCode.Unimplemented, (await Assert.ThrowsAsync<GrpcException>(() => channel.CallAsync(unknown, Bytes("")))).Status.Code);
        Assert.Equal(GrpcStatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<GrpcException>(
            () => channel.CallAsync(Unary, Bytes("wait"), new GrpcCallOptions { Timeout = TimeSpan.FromMilliseconds(100) }))).Status.Code);

        await using var upload = channel.Start(Upload);
        for (var i = 0; i < 50; i++)
        {
            await upload.WriteAsync(new BytesValue { Value = ByteString.CopyFrom(new byte[1000]) });
        }

        await upload.CompleteAsync();
        Assert.Equal("50000", (await upload.ReadAsync())?.Value.ToStringUtf8());

        await using var download = channel.Start(Download);
        await download.WriteAsync(Bytes("100"));
        await download.CompleteAsync();
        var next = 0;
        await foreach (var message in download.ReadAllAsync())
        {
            Assert.Equal((next++).ToString(CultureInfo.InvariantCulture), message.Value.ToStringUtf8());
        }

        Assert.Equal(100, next);
        await using var chat = channel.Start(Chat);
        foreach (var text in (IEnumerable<string>)["a", "b", "c"])
        {
            await chat.WriteAsync(Bytes(text));
            Assert.Equal(text, (await chat.ReadAsync())?.Value.ToStringUtf8());
        }

        await chat.CompleteAsync();
        Assert.Null(await chat.ReadAsync());
    }

    private static Process StartPeer(params string[] arguments)
    {
        // By its path: another python of the machine's need not have Debian's packages.
        var start = new ProcessStartInfo("/usr/bin/python3", [Path.Combine(AppContext.BaseDirectory, "Grpc", "echo_peer.py"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PYTHONUTF8"] = "1";
        return Process.Start(start)!;
    }
}
