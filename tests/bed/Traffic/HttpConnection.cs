using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Waypoint.TestBed.Traffic;

/// <summary>
/// An HTTP/1.1 client connection that sends exactly the bytes it is given and hides nothing: no retries, no pool, no tidying.
/// </summary>
public sealed class HttpConnection : IDisposable
{
    private readonly Socket _socket;
    private byte[] _buffer = new byte[16 * 1024];
    private int _start;
    private int _end;

    public HttpConnection(Socket socket) => _socket = socket;

    /// <summary>Connects from a pod.</summary>
    public static async Task<HttpConnection> OpenAsync(Sandbox from, string host, int port, CancellationToken cancellation = default) =>
        new(await from.ConnectAsync(host, port, cancellation).ConfigureAwait(false));

    /// <summary>One request on one connection.</summary>
    public static async Task<HttpAnswer> OnceAsync(Sandbox from, string host, int port, string request, CancellationToken cancellation = default)
    {
        using HttpConnection connection = await OpenAsync(from, host, port, cancellation).ConfigureAwait(false);
        return await connection.ExchangeAsync(request, cancellation).ConfigureAwait(false);
    }

    /// <summary>Sends a request, spelled in Latin-1 so that any byte can be written, and reads its answer.</summary>
    public async Task<HttpAnswer> ExchangeAsync(string request, CancellationToken cancellation = default)
    {
        await _socket.SendAsync(Encoding.Latin1.GetBytes(request), cancellation).ConfigureAwait(false);
        return await ReadAnswerAsync(cancellation).ConfigureAwait(false);
    }

    /// <exception cref="EndOfStreamException">The peer closed before the answer was complete.</exception>
    public async Task<HttpAnswer> ReadAnswerAsync(CancellationToken cancellation = default)
    {
        List<string> head = [];
        while (await ReadLineAsync(cancellation).ConfigureAwait(false) is { Length: > 0 } line)
        {
            head.Add(line);
        }
        HttpAnswer answer = new(int.Parse(head[0].Split(' ')[1], CultureInfo.InvariantCulture), head, []);
        if (answer.Header("transfer-encoding") == "chunked")
        {
            return answer with { Body = await ReadChunksAsync(cancellation).ConfigureAwait(false) };
        }
        if (answer.Header("content-length") is string length)
        {
            return answer with { Body = await ReadAsync(int.Parse(length, CultureInfo.InvariantCulture), cancellation).ConfigureAwait(false) };
        }
        return answer.Status is 204 or 304 or < 200 ? answer : answer with { Body = await ReadToEndAsync(cancellation).ConfigureAwait(false) };
    }

    /// <summary>Reads until the peer's FIN; a reset is the end too.</summary>
    public async Task<byte[]> ReadToEndAsync(CancellationToken cancellation = default)
    {
        List<byte> all = [];
        try
        {
            do
            {
                all.AddRange(_buffer.AsSpan(_start, _end - _start));
                _start = _end;
            }
            while (await FillAsync(cancellation).ConfigureAwait(false));
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            return [.. all];
        }
        return [.. all];
    }

    public void Dispose() => _socket.Dispose();

    private async Task<byte[]> ReadChunksAsync(CancellationToken cancellation)
    {
        List<byte> body = [];
        while (int.Parse((await ReadLineAsync(cancellation).ConfigureAwait(false)).Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture) is > 0 and int length)
        {
            body.AddRange(await ReadAsync(length, cancellation).ConfigureAwait(false));
            await ReadLineAsync(cancellation).ConfigureAwait(false);
        }
        while ((await ReadLineAsync(cancellation).ConfigureAwait(false)).Length > 0)
        {
            // A trailer: the answer ends at the empty line after the last of them.
        }
        return [.. body];
    }

    private async Task<string> ReadLineAsync(CancellationToken cancellation)
    {
        while (true)
        {
            int end = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n"u8);
            if (end >= 0)
            {
                string line = Encoding.Latin1.GetString(_buffer, _start, end);
                _start += end + 2;
                return line;
            }
            await FillOrThrowAsync(cancellation).ConfigureAwait(false);
        }
    }

    private async Task<byte[]> ReadAsync(int length, CancellationToken cancellation)
    {
        while (_end - _start < length)
        {
            await FillOrThrowAsync(cancellation).ConfigureAwait(false);
        }
        byte[] bytes = _buffer.AsSpan(_start, length).ToArray();
        _start += length;
        return bytes;
    }

    private async Task FillOrThrowAsync(CancellationToken cancellation)
    {
        if (!await FillAsync(cancellation).ConfigureAwait(false))
        {
            throw new EndOfStreamException($"closed after {_end - _start} bytes of an unfinished answer");
        }
    }

    private async Task<bool> FillAsync(CancellationToken cancellation)
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        if (_end == _buffer.Length)
        {
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }
        int read = await _socket.ReceiveAsync(_buffer.AsMemory(_end), cancellation).ConfigureAwait(false);
        _end += read;
        return read > 0;
    }
}
