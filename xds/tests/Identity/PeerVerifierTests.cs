using System.Security.Cryptography.X509Certificates;
using Waypoint.Xds.Identity;

namespace Waypoint.Xds.Tests.Identity;

public sealed class PeerVerifierTests
{
    private const string Web = "spiffe://cluster.local/ns/shop/sa/web";

    private readonly TestAuthority _authority = new();
    private readonly WorkloadIdentity _identity;

    public PeerVerifierTests() => _identity = _authority.Identity("spiffe://cluster.local/ns/shop/sa/waypoint");

    [Fact]
    public void A_workload_of_the_mesh_is_believed_and_named()
    {
        var verdict = Verify(_authority.Issue(Web));
        Assert.True(verdict.IsTrusted, verdict.Refusal.Label());
        Assert.Equal(Web, verdict.Id!.ToString());
    }

    [Fact]
    public void No_certificate_is_refused() => Assert.Equal(PeerRefusal.NoCertificate, new PeerVerifier(_identity).Verify(null, null).Refusal);

    [Fact]
    public void A_foreign_authority_is_refused()
    {
        var foreign = new TestAuthority();
        Assert.Equal(PeerRefusal.UnknownAuthority, Verify(foreign.Issue(Web), foreign).Refusal);
    }

    [Fact]
    public void An_authority_of_the_same_name_with_another_key_is_refused() =>
        Assert.Equal(PeerRefusal.UnknownAuthority, Verify(new TestAuthority().Issue(Web)).Refusal);

    [Fact]
    public void An_expired_certificate_is_refused() =>
        Assert.Equal(PeerRefusal.Expired, Verify(_authority.Issue(Web, TimeSpan.FromMinutes(-1))).Refusal);

    [Fact]
    public void A_certificate_of_the_future_is_refused() =>
        Assert.Equal(PeerRefusal.NotYetValid, Verify(_authority.Issue(Web, TimeSpan.FromHours(2), DateTimeOffset.UtcNow.AddHours(1))).Refusal);

    [Fact]
    public void A_certificate_without_a_SPIFFE_id_is_refused() => Assert.Equal(PeerRefusal.NoSpiffeId, Verify(_authority.Issue(null)).Refusal);

    [Fact]
    public void Another_trust_domain_is_refused_until_it_is_an_alias()
    {
        var certificate = _authority.Issue("spiffe://other.org/ns/shop/sa/web");
        Assert.Equal(PeerRefusal.WrongTrustDomain, Verify(certificate).Refusal);
        _identity.SetAliases(["Other.org"]);
        Assert.Equal(PeerRefusal.None, Verify(certificate).Refusal);
        _identity.SetAliases([]);
        Assert.Equal(PeerRefusal.WrongTrustDomain, Verify(certificate).Refusal);
    }

    [Fact]
    public void Whoever_is_not_expected_is_refused()
    {
        var certificate = _authority.Issue(Web);
        Assert.Equal(PeerRefusal.None, Verify(certificate, expected: [new("cluster.local", "shop", "web")]).Refusal);
        Assert.Equal(PeerRefusal.UnexpectedIdentity, Verify(certificate, expected: [new("cluster.local", "shop", "db"), new("cluster.local", "other", "web")]).Refusal);
        Assert.Equal(PeerRefusal.UnexpectedIdentity, Verify(certificate, expected: [new("elsewhere.org", "shop", "web")]).Refusal);
        Assert.Equal(PeerRefusal.UnexpectedIdentity, Verify(certificate, expected: []).Refusal);
    }

    [Fact]
    public void A_root_that_came_with_our_own_certificate_is_trusted_too()
    {
        var next = new TestAuthority();
        Assert.Equal(PeerRefusal.UnknownAuthority, Verify(next.Issue(Web), next).Refusal);
        _identity.Publish(next.Certificate("spiffe://cluster.local/ns/shop/sa/waypoint"));
        Assert.Equal(PeerRefusal.None, Verify(next.Issue(Web), next).Refusal);
        Assert.Equal(PeerRefusal.None, Verify(_authority.Issue(Web)).Refusal);
    }

    [Fact]
    public void Every_refusal_has_a_label_of_its_own() =>
        Assert.Equal(PeerRefusals.All.Count, PeerRefusals.All.Select(refusal => refusal.Label()).Distinct().Count());

    private PeerVerdict Verify(X509Certificate2 certificate, TestAuthority? signer = null, IReadOnlyCollection<SpiffeId>? expected = null)
    {
        var verifier = new PeerVerifier(_identity);
        using var chain = new X509Chain { ChainPolicy = verifier.ChainPolicy() };
        chain.ChainPolicy.ExtraStore.Add((signer ?? _authority).Intermediate);
        chain.Build(certificate);
        return verifier.Verify(certificate, chain, expected);
    }
}
