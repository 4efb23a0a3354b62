using System.Net;
using System.Net.Sockets;

namespace Waypoint.Proxy.Forwarding;

/// <summary>
/// A connection to a backend that tells who writes to it over which address. The client library pools connections and does not say which one a
/// request took; but over HTTP/1 a request's bytes are written on the request's own flow of execution, so a note that travels with the flow is
/// found here. HTTP/2 writes for all requests on a flow of its own, and there the address stays unknown.
/// </summary>
internal sealed class UpstreamConnection(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    private static readonly AsyncLocal<Note?> Current = new();

    private readonly IPEndPoint? _local = socket.LocalEndPoint as IPEndPoint;

    /// <summary>Has the address noted that the rest of this flow writes from.</summary>
    public static Note Track()
    {
        var note = new Note();
        Current.Value = note;
        return note;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Current.Value is { } note)
        {
            note.Local = _local;
        }

        return base.WriteAsync(buffer, cancellationToken);
    }

    /// <summary>Apart from the request, as an idle connection may keep it.</summary>
    internal sealed class Note
    {
        /// <summary>Our address on the connection that was written to last; null before the first write.</summary>
        public IPEndPoint? Local { get; set; }
    }
}
