using Waypoint.Xds.Identity;

namespace Waypoint.Xds.Tests.Identity;

public sealed class SpiffeIdTests
{
    [Theory]
    [InlineData("spiffe://cluster.local/ns/shop/sa/waypoint")]
    [InlineData("spiffe://td/ns/a/sa/b")]
    public void An_id_is_written_as_it_was_read(string text)
    {
        Assert.True(SpiffeId.TryParse(text, out var id));
        Assert.Equal(text, id.ToString());
    }

    [Fact]
    public void A_trust_domain_has_no_case()
    {
        Assert.True(SpiffeId.TryParse("SPIFFE://Cluster.Local/ns/Shop/sa/web", out var id));
        Assert.Equal(new SpiffeId("cluster.local", "Shop", "web"), id);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("spiffe://")]
    [InlineData("spiffe:///ns/a/sa/b")]
    [InlineData("spiffe://td/ns//sa/b")]
    [InlineData("spiffe://td/ns/a/sa/")]
    [InlineData("spiffe://td/ns/a/sa/b/c")]
    [InlineData("spiffe://td/sa/b/ns/a")]
    [InlineData("spiffe://td/ns/a/sa/b?x")]
    [InlineData("spiffe://td/ns/a/sa/b#x")]
    [InlineData("spiffe://td/ns/%61/sa/b")]
    [InlineData("https://td/ns/a/sa/b")]
    public void Anything_else_is_none(string? text) => Assert.False(SpiffeId.TryParse(text, out _));

    [Fact]
    public void It_is_read_from_a_certificate_beside_other_names()
    {
        Assert.True(SpiffeId.TryRead(new TestAuthority().Issue("spiffe://td/ns/a/sa/b"), out var id));
        Assert.Equal("spiffe://td/ns/a/sa/b", id.ToString());
    }

    [Fact]
    public void A_certificate_with_two_URIs_names_nobody()
    {
        using var key = System.Security.Cryptography.ECDsa.Create();
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=two", key, System.Security.Cryptography.HashAlgorithmName.SHA256);
        Assert.False(SpiffeId.TryRead(new TestAuthority().Sign(request, ["spiffe://td/ns/a/sa/b", "spiffe://td/ns/a/sa/c"]), out _));
    }

    [Fact]
    public void A_certificate_without_one_names_nobody() => Assert.False(SpiffeId.TryRead(new TestAuthority().Issue(null), out _));
}
