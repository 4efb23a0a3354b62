using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Waypoint.Xds.Identity;

namespace Waypoint.Proxy.Hbone.Outbound;

/// <summary>Makes the TLS connection to an HBONE server, which must prove to be who is expected at its address.</summary>
/// <param name="identity">Ours.</param>
/// <param name="refusals">Hears of servers that are not who they should be.</param>
/// <param name="place">Where the HBONE port of an address is, for tests; null for where it always is.</param>
/// <param name="patience">How long connection and handshake may take; null for ten seconds.</param>
internal sealed class TunnelDialer(
    WorkloadIdentity identity, TunnelRefusals refusals, Func<IPAddress, IPEndPoint>? place = null, TimeSpan? patience = null)
{
    private readonly TimeSpan _patience = patience ?? TimeSpan.FromSeconds(10);

    private readonly PeerVerifier _verifier = new(identity);

    /// <exception cref="TunnelException">Nobody there, or not who is expected.</exception>
    public async Task<Stream> DialAsync(IPAddress address, SpiffeId expected)
    {
        var certificate = identity.Current ?? throw new TunnelException("hbone_no_certificate");
        var server = place?.Invoke(address) ?? new IPEndPoint(address, HboneSettings.Port);
        var verdict = new PeerVerdict(PeerRefusal.None, null);
        using var giveUp = new CancellationTokenSource(_patience);
        var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        SslStream? tls = null;
        try
        {
            await socket.ConnectAsync(server, giveUp.Token).ConfigureAwait(false);
            tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
            await tls.AuthenticateAsClientAsync(Options(certificate, expected, v => verdict = v), giveUp.Token).ConfigureAwait(false);
            if (tls.NegotiatedApplicationProtocol != SslApplicationProtocol.Http2)
            {
                throw new AuthenticationException("the server does not speak HTTP/2");
            }

            return tls;
        }
        catch (Exception e) when (e is SocketException or AuthenticationException or IOException or OperationCanceledException)
        {
            socket.Dispose();
            if (tls is not null)
            {
                await tls.DisposeAsync().ConfigureAwait(false);
            }

            throw Failure(e, server, expected, verdict);
        }
    }

    private TunnelException Failure(Exception e, IPEndPoint server, SpiffeId expected, PeerVerdict verdict)
    {
        switch (e)
        {
            case SocketException socket:
                return new TunnelException($"hbone_{socket.Message.Replace(' ', '_')}", e) { IsRefused = socket.SocketErrorCode == SocketError.ConnectionRefused };
            case OperationCanceledException:
                // Mostly a network policy that drops what it does not allow: a refusal would do (UpstreamHboneMode.Auto), silence never leads to plain text.
                refusals.Outbound(TunnelRefusals.NoAnswer, server, null, expected, $"within {_patience.TotalSeconds:0.#} s");
                return new TunnelException("hbone_connect_timeout", e);
            default:
                var reason = verdict.IsTrusted ? TunnelRefusals.Handshake : verdict.Refusal.Label();
                refusals.Outbound(reason, server, verdict.Id, expected, verdict.IsTrusted ? (e.InnerException ?? e).Message : null);
                return new TunnelException($"hbone_{reason}", e);
        }
    }

    private SslClientAuthenticationOptions Options(WorkloadCertificate certificate, SpiffeId expected, Action<PeerVerdict> judged) => new()
    {
        // HBONE sends no server name: the identity is the SPIFFE id.
        TargetHost = "",
        ClientCertificateContext = certificate.Context,
        EnabledSslProtocols = SslProtocols.Tls13,
        ApplicationProtocols = [SslApplicationProtocol.Http2],
        AllowTlsResume = false,
        CertificateChainPolicy = _verifier.ChainPolicy(),
        RemoteCertificateValidationCallback = (_, shown, chain, _) =>
        {
            var verdict = _verifier.Verify(shown, chain, [expected]);
            judged(verdict);
            return verdict.IsTrusted;
        },
    };
}
