using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.Xds.Grpc;
using Waypoint.Xds.Identity;
using Waypoint.Xds.Metrics;

namespace Waypoint.Xds.Tests.Identity;

public sealed class CertificateRotationTests : IAsyncLifetime
{
    private readonly PrometheusExporter _exporter = new();
    private TestIstiod _istiod = null!;
    private WorkloadIdentity _identity = null!;

    public async Task InitializeAsync()
    {
        _istiod = await TestIstiod.StartAsync();
        _identity = new WorkloadIdentity(() => [_istiod.Authority.Root]);
    }

    public Task DisposeAsync()
    {
        _exporter.Dispose();
        return _istiod.DisposeAsync().AsTask();
    }

    [Fact]
    public async Task The_request_says_what_istiod_needs_and_the_answer_is_put_in_force()
    {
        using var authority = new CertificateAuthority(_istiod.Options(() => "token-1") with { Lifetime = TimeSpan.FromMinutes(10) });
        var certificate = await authority.IssueAsync(CancellationToken.None);

        var (request, token, cluster) = Assert.Single(_istiod.Calls);
        Assert.Equal("Bearer token-1", token);
        Assert.Equal("west", cluster);
        Assert.Equal(600, request.ValidityDuration);
        var csr = CertificateRequest.LoadSigningRequestPem(request.Csr, HashAlgorithmName.SHA256);
        Assert.Equal("", csr.SubjectName.Name);
        Assert.Equal("1.2.840.10045.2.1", csr.PublicKey.Oid.Value);

        Assert.Equal(_istiod.Caller, certificate.Id.ToString());
        Assert.True(certificate.Leaf.HasPrivateKey);
        Assert.Equal(_istiod.Authority.Root, Assert.Single(certificate.Roots));
        Assert.Equal(_istiod.Authority.Intermediate, Assert.Single(certificate.Context.IntermediateCertificates));
    }

    [Fact]
    public async Task The_token_is_asked_for_at_each_call()
    {
        var tokens = new Queue<string>(["one", "two"]);
        using var authority = new CertificateAuthority(_istiod.Options(tokens.Dequeue));
        await authority.IssueAsync(CancellationToken.None);
        await authority.IssueAsync(CancellationToken.None);
        Assert.Equal(["Bearer one", "Bearer two"], _istiod.Calls.Select(call => call.Token));
    }

    [Fact]
    public async Task An_authority_that_its_root_does_not_vouch_for_is_not_asked()
    {
        var options = _istiod.Options(() => "secret");
        using var authority = new CertificateAuthority(options with
        {
            Channel = options.Channel with { Tls = options.Channel.Tls! with { Roots = () => [new TestAuthority().Root] } },
        });
        await Assert.ThrowsAsync<GrpcException>(() => authority.IssueAsync(CancellationToken.None));
        Assert.Empty(_istiod.Calls);
    }

    [Fact]
    public async Task A_certificate_is_replaced_at_half_its_life()
    {
        _istiod.Lifetime = TimeSpan.FromSeconds(3);
        using var rotation = Start();
        await _identity.Issued;
        var first = _identity.Current!;
        await Eventually.HoldsAsync(() => !ReferenceEquals(_identity.Current, first), "a second certificate");
        Assert.True(first.IsValid, "the first one was still valid when it was replaced");
        Assert.InRange((first.NotAfter - DateTimeOffset.UtcNow).TotalSeconds, 0.2, 1.7);
        await rotation.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task The_one_in_force_stays_while_the_authority_refuses_and_is_replaced_once_it_does_not()
    {
        _istiod.Lifetime = TimeSpan.FromSeconds(2);
        using var rotation = Start();
        await _identity.Issued;
        var first = _identity.Current!;
        _istiod.Refusal = new GrpcStatus(GrpcStatusCode.Unauthenticated, "token review failed");
        var before = _istiod.Calls.Count;
        await Eventually.HoldsAsync(() => _istiod.Calls.Count >= before + 3, "three more requests");
        Assert.Same(first, _identity.Current);
        Assert.Contains("waypoint_certificate_requests_total{result=\"failure\"}", Scrape(), StringComparison.Ordinal);

        _istiod.Refusal = null;
        await Eventually.HoldsAsync(() => !ReferenceEquals(_identity.Current, first), "a second certificate");
        await rotation.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task The_time_to_expiry_is_a_metric()
    {
        _istiod.Lifetime = TimeSpan.FromSeconds(100);
        using var rotation = Start();
        await _identity.Issued;
        var line = Scrape().Split('\n')
            .Single(l => l.StartsWith("istio_agent_cert_expiry_seconds{resource_name=\"default\"} 9", StringComparison.Ordinal));
        Assert.InRange(double.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture), 90, 100);
        await rotation.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_replaced_root_file_is_read_again_and_a_broken_one_is_not_taken()
    {
        var (old, next) = (new TestAuthority(), new TestAuthority());
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(path, old.RootPem);
            var file = new RootsFile(path);
            Assert.Equal(old.Root, Assert.Single(file.Current));

            await File.WriteAllTextAsync(path, "half a file");
            await Task.Delay(1100);
            Assert.Equal(old.Root, Assert.Single(file.Current));

            await File.WriteAllTextAsync(path, old.RootPem + "\n" + next.RootPem);
            await Task.Delay(1100);
            Assert.Equal([old.Root, next.Root], file.Current);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private string Scrape()
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        _exporter.WriteTo(output);
        return System.Text.Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private CertificateRotation Start()
    {
        var rotation = new CertificateRotation(_istiod.Options(() => "token"), _identity, NullLogger<CertificateRotation>.Instance);
        _ = rotation.StartAsync(CancellationToken.None);
        return rotation;
    }
}
