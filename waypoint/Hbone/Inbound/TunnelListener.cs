using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Waypoint.Proxy.Sockets;
using Waypoint.Xds.Identity;

namespace Waypoint.Proxy.Hbone.Inbound;

/// <summary>
/// Does the TLS handshake of HBONE's clients and gives Kestrel those whose certificate is believed. Each handshake takes the certificate in force
/// then, so a rotation touches no connection.
/// </summary>
internal sealed class TunnelListener(HboneSettings settings, WorkloadIdentity identity, TunnelRefusals refusals, HboneMetrics metrics)
    : IConnectionListenerFactory, IConnectionListener
{
    private readonly PeerVerifier _verifier = new(identity);
    private readonly Channel<ConnectionContext> _ready = Channel.CreateUnbounded<ConnectionContext>(new UnboundedChannelOptions { SingleReader = true });

    public EndPoint EndPoint => settings.Address;

    /// <summary>Takes an accepted connection.</summary>
    public void Accepted(int descriptor, IPEndPoint peer)
    {
        var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
        _ = Task.Run(() => ShakeHandsAsync(socket, peer));
    }

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IConnectionListener>(this);

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _ready.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false) && _ready.Reader.TryRead(out var connection) ? connection : null;

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _ready.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    private async Task ShakeHandsAsync(Socket socket, IPEndPoint peer)
    {
        var verdict = new PeerVerdict(PeerRefusal.None, null);
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: false));
        try
        {
            using var patience = new CancellationTokenSource(settings.HandshakeTimeout);
            await tls.AuthenticateAsServerAsync(Options(v => verdict = v), patience.Token).ConfigureAwait(false);
            var local = SocketAddressing.Normalise((IPEndPoint)socket.LocalEndPoint!);
            var connection = new TunnelConnection(socket, tls, new TunnelPeer(verdict.Id!, peer, local));
            metrics.CountOpened();
            if (_ready.Writer.TryWrite(connection))
            {
                return;
            }

            metrics.CountClosed();
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException or SocketException or ObjectDisposedException)
        {
            if (verdict.IsTrusted)
            {
                refusals.Inbound(TunnelRefusals.Handshake, peer, verdict.Id, (e.InnerException ?? e).Message);
            }
            else
            {
                refusals.Inbound(verdict.Refusal.Label(), peer, verdict.Id);
            }
        }

        await tls.DisposeAsync().ConfigureAwait(false);
        socket.Dispose();
    }

    private SslServerAuthenticationOptions Options(Action<PeerVerdict> judged) => new()
    {
        ServerCertificateContext = identity.Current!.Context,
        ClientCertificateRequired = true,
        EnabledSslProtocols = SslProtocols.Tls13,
        ApplicationProtocols = [SslApplicationProtocol.Http2],

        // A resumed session would not show its certificate again, which may have expired since.
        AllowTlsResume = false,
        CertificateChainPolicy = _verifier.ChainPolicy(),
        RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
        {
            var verdict = _verifier.Verify(certificate, chain);
            judged(verdict);
            return verdict.IsTrusted;
        },
    };
}
