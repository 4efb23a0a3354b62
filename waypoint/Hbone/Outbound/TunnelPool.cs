using System.Collections.Concurrent;
using System.Net;
using Waypoint.Xds.Identity;

namespace Waypoint.Proxy.Hbone.Outbound;

/// <summary>
/// The connections to HBONE servers, shared by all streams to the same address and identity. A certificate that is rotated concerns new connections
/// only; the old ones go on to their end.
/// </summary>
internal sealed class TunnelPool(Func<IPAddress, SpiffeId, Task<Stream>> dial, TunnelSessionSettings settings) : IAsyncDisposable
{
    // One connection that turns streams away is bad luck, three are an answer.
    private const int Tries = 3;

    private readonly Func<IPAddress, SpiffeId, Task<Stream>> _dial = dial;
    private readonly TunnelSessionSettings _settings = settings;
    private readonly ConcurrentDictionary<(IPAddress Address, SpiffeId Identity), Server> _servers = [];

    /// <summary>Servers that a connection is open or being made to.</summary>
    public int Servers => _servers.Count;

    /// <summary>Opens a stream to <paramref name="endpoint"/>.</summary>
    /// <param name="endpoint">The address is dialled; it and the port are the <c>:authority</c>, which the server holds against its own address.</param>
    /// <param name="identity">Who must answer.</param>
    /// <param name="headers">Of the CONNECT.</param>
    /// <param name="cancellation">Gives the stream up, not the connection.</param>
    /// <exception cref="TunnelException">There is none: no connection, or another answer than 200.</exception>
    public async Task<OutboundStream> OpenAsync(
        IPEndPoint endpoint, SpiffeId identity, IReadOnlyList<KeyValuePair<string, string>> headers, CancellationToken cancellation)
    {
        var block = Hpack.Connect(endpoint.ToString(), headers);
        var server = _servers.GetOrAdd((endpoint.Address, identity), static (key, pool) => new Server(pool, key.Address, key.Identity), this);
        for (var attempt = 1; ; attempt++)
        {
            var stream = await server.OpenAsync(block, cancellation).ConfigureAwait(false);
            try
            {
                var status = await stream.Status.Task.WaitAsync(cancellation).ConfigureAwait(false);
                if (status == 200)
                {
                    return stream;
                }

                throw new TunnelException($"hbone_status_{status}");
            }
            catch (TunnelException e) when (e.IsUntouched && attempt < Tries)
            {
                continue;
            }
            catch (Exception e) when (e is TunnelException or OperationCanceledException)
            {
                stream.Cancel();
                throw;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers.Values)
        {
            await server.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The connections to one server.</summary>
    private sealed class Server(TunnelPool pool, IPAddress address, SpiffeId identity) : IAsyncDisposable
    {
        private readonly Lock _gate = new();
        private readonly List<TunnelSession> _sessions = [];
        private Task? _dialling;

        public async Task<OutboundStream> OpenAsync(ReadOnlyMemory<byte> block, CancellationToken cancellation)
        {
            while (true)
            {
                Task dialling;
                lock (_gate)
                {
                    foreach (var session in _sessions)
                    {
                        if (session.TryOpen(block.Span) is { } stream)
                        {
                            return stream;
                        }
                    }

                    // One at a time: whoever comes meanwhile will mostly find room on it.
                    dialling = _dialling ??= DialAsync();
                }

                await dialling.WaitAsync(cancellation).ConfigureAwait(false);
            }
        }

        public async ValueTask DisposeAsync()
        {
            TunnelSession[] sessions;
            lock (_gate)
            {
                sessions = [.. _sessions];
            }

            foreach (var session in sessions)
            {
                await session.DisposeAsync().ConfigureAwait(false);
            }
        }

        private async Task DialAsync()
        {
            // Off the caller's lock.
            await Task.Yield();
            try
            {
                var session = new TunnelSession(await pool._dial(address, identity).ConfigureAwait(false), pool._settings, Forget);
                lock (_gate)
                {
                    _sessions.Add(session);
                }

                _ = session.RunAsync();
            }
            finally
            {
                lock (_gate)
                {
                    _dialling = null;
                    LeaveWhenIdle();
                }
            }
        }

        private void Forget(TunnelSession session)
        {
            lock (_gate)
            {
                _sessions.Remove(session);
                LeaveWhenIdle();
            }
        }

        // Under the lock. Pods come and go. Whoever holds this object already may still dial; its connection is then its own.
        private void LeaveWhenIdle()
        {
            if (_sessions.Count == 0 && _dialling is null)
            {
                pool._servers.TryRemove(KeyValuePair.Create((address, identity), this));
            }
        }
    }
}
