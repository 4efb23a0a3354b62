using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Waypoint.Proxy.Tests.Listening;
using Waypoint.Xds.Tests.Identity;

namespace Waypoint.Proxy.Tests.Hbone;

/// <summary>One frame, as it is on the wire.</summary>
internal sealed record RawFrame(byte Type, byte Flags, int Stream, byte[] Payload)
{
    public const byte Data = 0, Headers = 1, ResetStream = 3, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8, Continuation = 9;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public bool EndsStream => Type is Data or Headers && (Flags & 1) != 0;

    /// <summary>The error code of a RST_STREAM or GOAWAY.</summary>
    public uint Error => BinaryPrimitives.ReadUInt32BigEndian(Payload.AsSpan(Type == GoAway ? 4 : 0));

    public byte[] ToBytes()
    {
        var bytes = new byte[9 + Payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, ((uint)Payload.Length << 8) | Type);
        bytes[4] = Flags;
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(5), Stream);
        Payload.CopyTo(bytes.AsSpan(9));
        return bytes;
    }

    public static async Task<RawFrame?> ReadAsync(Stream stream)
    {
        using var patience = new CancellationTokenSource(Patience);
        var head = new byte[9];
        if (await stream.ReadAtLeastAsync(head, 9, throwOnEndOfStream: false, patience.Token) < 9)
        {
            return null;
        }

        var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
        await stream.ReadExactlyAsync(payload, patience.Token);
        return new RawFrame(head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)), payload);
    }
}

/// <summary>An HBONE client of the test's own, frame by frame.</summary>
internal sealed class RawTunnel : IAsyncDisposable
{
    private readonly SslStream _tls;

    private RawTunnel(SslStream tls) => _tls = tls;

    /// <exception cref="IOException">Refused; with TLS 1.3 a client learns of it only when it reads.</exception>
    public static async Task<RawTunnel> ConnectAsync(
        IPEndPoint server, SslStreamCertificateContext? certificate, TestAuthority authority, SslProtocols protocols = SslProtocols.Tls13)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server);
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = protocols,
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            ClientCertificateContext = certificate,
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                CustomTrustStore = { authority.Root },
            },
            RemoteCertificateValidationCallback = (_, shown, chain, _) => shown is not null && chain!.ChainStatus.Length == 0,
        });
        var tunnel = new RawTunnel(tls);
        await tunnel.SendAsync([.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0]);
        return tunnel;
    }

    public X509Certificate2 ServerCertificate => (X509Certificate2)_tls.RemoteCertificate!;

    public Task SendAsync(byte[] bytes) => _tls.WriteAsync(bytes).AsTask();

    public Task SendAsync(byte type, byte flags, int stream, ReadOnlySpan<byte> payload) => SendAsync(new RawFrame(type, flags, stream, payload.ToArray()).ToBytes());

    public Task SendDataAsync(int stream, string text, bool ends = false) =>
        SendAsync(RawFrame.Data, ends ? (byte)1 : (byte)0, stream, Encoding.Latin1.GetBytes(text));

    /// <summary>Asks for a tunnel; the answer is read by itself.</summary>
    public Task RequestAsync(int stream, string authority, params (string Name, string Value)[] headers) =>
        SendAsync(RawFrame.Headers, 0x4, stream, Block([(":method", "CONNECT"), (":authority", authority), .. headers]));

    /// <summary>Asks for a tunnel and gives the status of the answer.</summary>
    public async Task<int> OpenAsync(int stream, string authority, params (string Name, string Value)[] headers)
    {
        await RequestAsync(stream, authority, headers);
        return Status(await ReadUntilAsync(frame => frame.Type == RawFrame.Headers && frame.Stream == stream));
    }

    public Task<RawFrame?> ReadFrameAsync() => RawFrame.ReadAsync(_tls);

    public async Task<RawFrame> ReadUntilAsync(Predicate<RawFrame> isWanted)
    {
        while (true)
        {
            var frame = await ReadFrameAsync() ?? throw new IOException("The connection has ended.");
            if (isWanted(frame))
            {
                return frame;
            }
        }
    }

    /// <summary>Reads a stream's bytes up to a text, or to the end of the stream.</summary>
    public async Task<string> ReadTextAsync(int stream, string? until = null)
    {
        var text = new StringBuilder();
        while (until is null || !text.ToString().Contains(until, StringComparison.Ordinal))
        {
            var frame = await ReadUntilAsync(f => f.Stream == stream && f.Type is RawFrame.Data or RawFrame.ResetStream);
            if (frame.Type == RawFrame.ResetStream)
            {
                throw new IOException($"The stream was reset with {frame.Error} after \"{text}\"");
            }

            text.Append(Encoding.Latin1.GetString(frame.Payload));
            if (frame.EndsStream)
            {
                break;
            }
        }

        return text.ToString();
    }

    /// <summary>True when the server closes the connection without a frame but SETTINGS and the like.</summary>
    public async Task<bool> IsRefusedAsync()
    {
        try
        {
            return await ReadFrameAsync() is null;
        }
        catch (IOException)
        {
            return true;
        }
    }

    public async ValueTask DisposeAsync() => await _tls.DisposeAsync();

    /// <summary>The bytes of a header block, all literals without indexing.</summary>
    public static byte[] Block(params (string Name, string Value)[] fields) =>
        [.. fields.SelectMany(f => (byte[])[0, (byte)f.Name.Length, .. Encoding.ASCII.GetBytes(f.Name), (byte)f.Value.Length, .. Encoding.ASCII.GetBytes(f.Value)])];

    // Kestrel writes 200, 404 and 400 from the static table (RFC 7541, appendix A) and other statuses as literals under index 8.
    private static int Status(RawFrame frame)
    {
        var block = frame.Payload.AsSpan();
        while ((block[0] & 0xe0) == 0x20)
        {
            block = block[1..];
        }

        return block[0] switch
        {
            0x88 => 200,
            0x8c => 400,
            0x8d => 404,
            0x8e => 500,
            _ => int.Parse(Encoding.ASCII.GetString(block.Slice(2, 3)), System.Globalization.CultureInfo.InvariantCulture),
        };
    }
}
