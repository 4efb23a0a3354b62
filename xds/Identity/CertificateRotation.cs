using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Waypoint.Xds.Delta.Client;
using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Identity;

/// <summary>
/// Keeps <see cref="WorkloadIdentity"/> supplied: gets the first certificate, and the next one when half the life of the last has passed.
/// While the authority cannot be reached the last one stays in force.
/// </summary>
public sealed partial class CertificateRotation(
    CertificateAuthorityOptions options, WorkloadIdentity identity, ILogger<CertificateRotation> logger) : BackgroundService
{
    private const double Jitter = 0.01;

    private readonly CertificateAuthority _authority = new(options);
    private readonly IdentityMetrics _metrics = new(identity);

    public override void Dispose()
    {
        _authority.Dispose();
        _metrics.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var delay = new ReconnectDelay(options.ShortestDelay, options.LongestDelay, Random.Shared);
        while (!stoppingToken.IsCancellationRequested)
        {
            var wait = await IssueAsync(stoppingToken).ConfigureAwait(false) is { } life ? Rest(life, delay) : delay.Next();
            await Task.Delay(wait, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>How long the new certificate lasts; null when there is none.</returns>
    private async Task<TimeSpan?> IssueAsync(CancellationToken stoppingToken)
    {
        try
        {
            var certificate = await _authority.IssueAsync(stoppingToken).ConfigureAwait(false);
            var life = certificate.NotAfter - DateTimeOffset.UtcNow;
            if (life <= TimeSpan.Zero)
            {
                throw new CryptographicException($"the authority issued a certificate that expired at {certificate.NotAfter:u}");
            }

            identity.Publish(certificate);
            _metrics.CountRequest(succeeded: true);
            Issued(certificate.Id, certificate.NotAfter);
            return life;
        }
        catch (Exception e) when (e is GrpcException or CryptographicException or IOException or UnauthorizedAccessException)
        {
            if (!stoppingToken.IsCancellationRequested)
            {
                _metrics.CountRequest(succeeded: false);
                Failed(options.Address, e.Message, identity.Current?.NotAfter);
            }

            return null;
        }
    }

    // From now, not from the certificate's beginning: authorities date it back, for clocks that are slow.
    private TimeSpan Rest(TimeSpan life, ReconnectDelay delay)
    {
        delay.Reset();
        var share = Math.Clamp(options.RotateAfter + ((Random.Shared.NextDouble() * 2 - 1) * Jitter), 0.01, 0.99);

        // Task.Delay takes no more than 49 days.
        return TimeSpan.FromSeconds(Math.Min(life.TotalSeconds * share, TimeSpan.FromDays(30).TotalSeconds));
    }

    [LoggerMessage(1, LogLevel.Information, "Certificate for {Id}, valid until {NotAfter:u}")]
    private partial void Issued(SpiffeId id, DateTimeOffset notAfter);

    [LoggerMessage(2, LogLevel.Warning, "No certificate from {Authority}: {Reason} (the one in force is valid until {NotAfter})")]
    private partial void Failed(Uri authority, string reason, DateTimeOffset? notAfter);
}
