using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Microsoft.Extensions.DependencyInjection;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Telemetry.AccessLogging;
using Waypoint.Proxy.Tests.Forwarding;
using Waypoint.Proxy.Tls;
using Waypoint.Proxy.Xds.Translation;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;
using Cluster = Waypoint.Proxy.LoadBalancing.Cluster;
using Endpoint = Waypoint.Proxy.LoadBalancing.Endpoint;
using Secret = Waypoint.Proxy.Tls.Secret;

namespace Waypoint.Proxy.Tests.Tls;

/// <summary>TLS towards backends, configured as istiod does it. What logs say of failures is what a real Envoy 1.39 said in the same situations.</summary>
public sealed class UpstreamTlsTests : IDisposable
{
    private readonly TestCertificates _authority = new();
    private readonly SecretStore _secrets = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_backend_whose_chain_ends_at_a_trusted_root_is_spoken_to_and_asked_for_by_name()
    {
        await using var backend = await StartBackendAsync("echo.example");
        await using var proxy = await StartAsync(backend, Context(sni: "echo.example"));
        Assert.Equal("HTTP/1.1 Tls13 ", await GetAsync(proxy));
        Assert.Equal("HTTP/1.1 Tls13 ", await GetAsync(proxy));
        Assert.Equal(["echo.example"], backend.ServerNames);
    }

    [Fact]
    public async Task Http2_is_spoken_where_the_cluster_says_so()
    {
        await using var backend = await StartBackendAsync("echo.example");
        await using var proxy = await StartAsync(backend, Context(alpn: ["h2"]), protocol: UpstreamProtocol.Http2);
        Assert.Equal("HTTP/2 Tls13 ", await GetAsync(proxy));
        Assert.Equal([""], backend.ServerNames);
    }

    [Fact]
    public async Task A_cluster_that_follows_the_client_never_gets_the_other_version_out_of_the_handshake()
    {
        await using var backend = await StartBackendAsync("echo.example");
        await using var proxy = await StartAsync(backend, Context(alpn: ["h2", "http/1.1"]), protocol: UpstreamProtocol.FollowDownstream);
        Assert.Equal("HTTP/1.1 Tls13 ", await GetAsync(proxy));
    }

    [Fact]
    public async Task A_backend_of_another_authority_gets_nothing()
    {
        await using var backend = await StartBackendAsync("echo.example");
        var other = new TestCertificates("another root");
        var line = await FailureAsync(backend, Context(roots: other.Root));
        Assert.Contains(
            "\" 503 UF upstream_reset_before_response_started{remote_connection_failure|TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify_cert_failed:_X509_verify_cert:_certificate_verification_error_at_depth_1:_unable_to_get_local_issuer_certificate:TLS_error_end} - \"TLS_error:|268435581:",
            line,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_backend_whose_certificate_has_expired_gets_nothing_unless_that_is_allowed()
    {
        await using var backend = await TlsBackend.StartAsync(_authority, _authority.Issue(["echo.example"], isExpired: true));
        Assert.Contains("at_depth_0:_certificate_has_expired:TLS_error_end}", await FailureAsync(backend, Context()), StringComparison.Ordinal);

        var context = Context();
        context.CommonTlsContext.ValidationContext.AllowExpiredCertificate = true;
        await using var proxy = await StartAsync(backend, context);
        Assert.Equal("HTTP/1.1 Tls13 ", await GetAsync(proxy));
    }

    [Fact]
    public async Task A_backend_that_speaks_plainly_gets_no_request()
    {
        await using var backend = RawBackend.Serving(async connection =>
        {
            await connection.ReadExactlyAsync(1);
            await connection.SendAsync("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        });
        Assert.Contains(
            "{remote_connection_failure|TLS_error:|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end}",
            await FailureAsync(backend.Address, Context()),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"matchSubjectAltNames": [{"exact": "echo.example"}]}""", true)]
    [InlineData("""{"matchSubjectAltNames": [{"exact": "a.wild.example"}]}""", true)]
    [InlineData("""{"matchSubjectAltNames": [{"exact": "a.b.wild.example"}]}""", false)]
    [InlineData("""{"matchSubjectAltNames": [{"exact": "wild.example"}]}""", false)]
    [InlineData("""{"matchSubjectAltNames": [{"exact": "other.example"}, {"exact": "spiffe://cluster.local/ns/a/sa/b"}]}""", true)]
    [InlineData("""{"matchSubjectAltNames": [{"prefix": "spiffe://cluster.local/"}]}""", true)]
    [InlineData("""{"matchSubjectAltNames": [{"safeRegex": {"regex": "echo\\..*"}}]}""", true)]
    [InlineData("""{"matchSubjectAltNames": [{"exact": "127.0.0.1"}]}""", true)]
    [InlineData("""{"matchSubjectAltNames": [{"exact": "other.example"}]}""", false)]
    [InlineData("""{"matchTypedSubjectAltNames": [{"sanType": "DNS", "matcher": {"exact": "echo.example"}}]}""", true)]
    [InlineData("""{"matchTypedSubjectAltNames": [{"sanType": "URI", "matcher": {"exact": "echo.example"}}]}""", false)]
    public async Task One_of_the_names_must_be_in_the_certificate(string validation, bool isAccepted)
    {
        await using var backend = await StartBackendAsync("echo.example", "*.wild.example", "spiffe://cluster.local/ns/a/sa/b", "127.0.0.1");
        var context = Context();
        context.CommonTlsContext.ValidationContext.MergeFrom(JsonParser.Default.Parse<CertificateValidationContext>(validation));
        if (isAccepted)
        {
            await using var proxy = await StartAsync(backend, context);
            Assert.Equal("HTTP/1.1 Tls13 ", await GetAsync(proxy));
            return;
        }

        Assert.Contains(
            "CERTIFICATE_VERIFY_FAILED:verify_cert_failed:_SAN_matcher,_certificate_SANs_are_[echo.example,_*.wild.example,_spiffe://cluster.local/ns/a/sa/b,_127.0.0.1]:TLS_error_end}",
            await FailureAsync(backend, context),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_the_host_is_to_be_verified_each_host_is_asked_for_and_verified_by_itself()
    {
        await using var backend = await StartBackendAsync("one.example", "two.example");
        var options = new UpstreamHttpProtocolOptions { AutoSni = true, AutoSanValidation = true };
        await using var proxy = await StartAsync(backend, Context(), options);
        Assert.Equal("HTTP/1.1 Tls13 ", await GetAsync(proxy, "one.example"));
        Assert.Equal("HTTP/1.1 Tls13 ", await GetAsync(proxy, "two.example:8080"));
        Assert.Equal("HTTP/1.1 Tls13 ", await GetAsync(proxy, "ONE.example"));
        Assert.StartsWith("upstream connect error", await GetAsync(proxy, "three.example"), StringComparison.Ordinal);
        Assert.StartsWith("upstream connect error", await GetAsync(proxy, "127.0.0.1"), StringComparison.Ordinal);
        Assert.Equal(["one.example", "two.example", "three.example", ""], backend.ServerNames);
    }

    [Fact]
    public async Task Without_a_validation_context_anybody_is_believed()
    {
        await using var backend = await StartBackendAsync("echo.example");
        await using var proxy = await StartAsync(backend, Parse("""{"commonTlsContext": {"validationContext": {}}}"""));
        Assert.Equal("HTTP/1.1 Tls13 ", await GetAsync(proxy));
    }

    [Theory]
    [InlineData("TLSv1_2", "HTTP/1.1 Tls12 ")]
    [InlineData("TLSv1_3", "HTTP/1.1 Tls13 ")]
    public async Task No_other_version_is_spoken_than_is_allowed(string version, string answer)
    {
        await using var backend = await StartBackendAsync("echo.example");
        var context = Context();
        context.CommonTlsContext.TlsParams = JsonParser.Default.Parse<TlsParameters>($$"""{"tlsMinimumProtocolVersion": "{{version}}", "tlsMaximumProtocolVersion": "{{version}}"}""");
        await using var proxy = await StartAsync(backend, context);
        Assert.Equal(answer, await GetAsync(proxy));
    }

    [Fact]
    public async Task A_client_certificate_from_files_is_shown_and_followed_when_they_are_replaced()
    {
        await using var backend = await TlsBackend.StartAsync(_authority, _authority.Issue(["echo.example"]), wantsClientCertificate: true);
        Assert.Contains("{remote_connection_failure|TLS_error:", await FailureAsync(backend, Parse(FileContext)), StringComparison.Ordinal);

        Write("root.pem", _authority.Root.ExportCertificatePem());
        WritePair(_authority);
        await using var proxy = await StartAsync(backend, Parse(FileContext));
        Assert.Equal("HTTP/1.1 Tls13 CN=test root intermediate", await GetAsync(proxy));

        var next = new TestCertificates("next root");
        WritePair(next);
        await using var again = await StartAsync(backend, Parse(FileContext));
        Assert.Equal("HTTP/1.1 Tls13 CN=next root intermediate", await GetAsync(again));
    }

    [Fact]
    public async Task Files_that_are_not_there_are_an_error_that_says_so()
    {
        await using var backend = await StartBackendAsync("echo.example");
        Assert.Contains("{remote_connection_failure|TLS_error:_Secret_is_not_supplied_by_SDS}", await FailureAsync(backend, Parse(FileContext)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Secrets_of_the_control_plane_are_used_when_they_come()
    {
        await using var backend = await TlsBackend.StartAsync(_authority, _authority.Issue(["echo.example"]), wantsClientCertificate: true);
        var context = Parse(
            """
            {"commonTlsContext": {
              "tlsCertificateSdsSecretConfigs": [{"name": "kubernetes://cred", "sdsConfig": {"ads": {}}}],
              "combinedValidationContext": {"defaultValidationContext": {}, "validationContextSdsSecretConfig": {"name": "kubernetes://cred-cacert", "sdsConfig": {"ads": {}}}}}}
            """);
        Assert.Equal(["kubernetes://cred-cacert", "kubernetes://cred"], Translate(context).SecretNames);
        await using var proxy = await StartAsync(backend, context);
        Assert.StartsWith("upstream connect error", await GetAsync(proxy), StringComparison.Ordinal);

        var (chain, key) = _authority.Pem(_authority.Issue(["client"]));
        Receive("kubernetes://cred", $$"""{"tlsCertificate": {"certificateChain": {"inlineString": {{JsonSerializer.Serialize(chain)}} }, "privateKey": {"inlineString": {{JsonSerializer.Serialize(key)}} } } }""");
        Receive("kubernetes://cred-cacert", $$"""{"validationContext": {"trustedCa": {"inlineString": {{JsonSerializer.Serialize(_authority.Root.ExportCertificatePem())}} } } }""");
        Assert.Equal("HTTP/1.1 Tls13 CN=test root intermediate", await GetAsync(proxy));
    }

    [Fact]
    public async Task A_cluster_goes_over_to_tls_and_back_without_a_lost_request()
    {
        await using var plain = await HttpBackend.StartAsync(context => Microsoft.AspNetCore.Http.HttpResponseWritingExtensions.WriteAsync(context.Response, "plain"));
        await using var backend = await StartBackendAsync("echo.example");
        var encrypted = ClusterOf(backend.Address, Translate(Context()));
        var slot = SlotOf(ClusterOf(plain.Http1, null));
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(new Proxy.Routing.ForwardAction(
            new Proxy.Mesh.WeightedClusters([new Proxy.Mesh.WeightedCluster(slot, 1, Proxy.Routing.HeaderMutations.None, Proxy.Routing.HeaderMutations.None)]))));
        var answers = new HashSet<string>();
        var asking = Task.Run(async () =>
        {
            for (var i = 0; i < 300; i++)
            {
                answers.Add(await GetAsync(proxy));
            }
        });
        for (var i = 0; i < 20; i++)
        {
            await Task.Delay(5);
            slot.Current = i % 2 == 0 ? encrypted : ClusterOf(plain.Http1, null);
        }

        await asking;
        Assert.Equal(["HTTP/1.1 Tls13 ", "plain"], answers.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("""{"commonTlsContext": {"tlsCertificateSdsSecretConfigs": [{"name": "default", "sdsConfig": {"apiConfigSource": {}}}]}}""", "the secret 'default'")]
    [InlineData("""{"commonTlsContext": {"validationContextSdsSecretConfig": {"name": "ROOTCA", "sdsConfig": {"apiConfigSource": {}}}}}""", "the secret 'ROOTCA'")]
    [InlineData("""{"commonTlsContext": {"validationContext": {"verifyCertificateHash": ["aa"]}}}""", "verify_certificate_hash")]
    [InlineData("""{"commonTlsContext": {"validationContext": {"crl": {"filename": "x"}}}}""", "crl")]
    [InlineData("""{"autoHostSni": true}""", "auto_host_sni")]
    public void What_cannot_be_verified_is_named_and_makes_the_cluster_unusable(string context, string missing)
    {
        Assert.Null(new UpstreamTlsTranslator(_secrets).Translate(Parse(context), null, new TranslationScope("test"), out var named));
        Assert.Equal(missing, named);
    }

    [Theory]
    [InlineData("""{"commonTlsContext": {"validationContext": {"trustedCa": {"inlineString": "x"}}}}""", "tls: trusted_ca: there is no certificate in it")]
    [InlineData("""{"commonTlsContext": {"tlsParams": {"tlsMaximumProtocolVersion": "TLSv1_1"}}}""", "tls: tls_maximum_protocol_version: below TLSv1_2, or below the minimum")]
    [InlineData("""{"commonTlsContext": {"tlsCertificates": [{"certificateChain": {"inlineString": "x"}, "privateKey": {"inlineString": "y"}}]}}""", "tls: tls_certificate: ")]
    public void What_cannot_be_read_is_refused(string context, string reason) =>
        Assert.StartsWith(reason, Assert.Throws<ResourceException>(() => Translate(Parse(context))).Message, StringComparison.Ordinal);

    private string FileContext =>
        """
        {"commonTlsContext": {
          "tlsCertificateSdsSecretConfigs": [{"name": "file-cert:FOLDER/cert.pem~FOLDER/key.pem", "sdsConfig": {"apiConfigSource": {}}}],
          "combinedValidationContext": {"defaultValidationContext": {}, "validationContextSdsSecretConfig": {"name": "file-root:FOLDER/root.pem", "sdsConfig": {"apiConfigSource": {}}}}}}
        """.Replace("FOLDER", _folder.FullName, StringComparison.Ordinal);

    private static UpstreamTlsContext Parse(string json) => JsonParser.Default.Parse<UpstreamTlsContext>(json);

    private UpstreamTlsContext Context(string sni = "", X509Certificate2? roots = null, string[]? alpn = null) => new()
    {
        Sni = sni,
        CommonTlsContext = new CommonTlsContext
        {
            AlpnProtocols = { alpn ?? [] },
            ValidationContext = new CertificateValidationContext { TrustedCa = new DataSource { InlineString = (roots ?? _authority.Root).ExportCertificatePem() } },
        },
    };

    private UpstreamTls Translate(UpstreamTlsContext context, UpstreamHttpProtocolOptions? options = null) =>
        new UpstreamTlsTranslator(_secrets).Translate(context, options, new TranslationScope("test"), out _)!;

    private void Receive(string name, string secret) =>
        _secrets.Set(name, SecretTranslator.Translate(JsonParser.Default.Parse<Envoy.Extensions.TransportSockets.Tls.V3.Secret>(secret), new TranslationScope("test")));

    private void WritePair(TestCertificates authority)
    {
        var (chain, key) = authority.Pem(authority.Issue(["client"]));
        Write("cert.pem", chain);
        Write("key.pem", key);
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder.FullName, name), text);

    private Task<TlsBackend> StartBackendAsync(params string[] names) => TlsBackend.StartAsync(_authority, _authority.Issue(names));

    private static Cluster ClusterOf(IPEndPoint address, UpstreamTls? tls, UpstreamProtocol protocol = UpstreamProtocol.Http1) => new()
    {
        Name = "tls",
        Endpoints = [new Endpoint { Address = address, State = new EndpointState() }],
        Protocol = protocol,
        Tls = tls,
    };

    private Task<ProxyUnderTest> StartAsync(
        TlsBackend backend, UpstreamTlsContext context, UpstreamHttpProtocolOptions? options = null, UpstreamProtocol protocol = UpstreamProtocol.Http1) =>
        ProxyUnderTest.StartAsync(RouteTo(Forward(ClusterOf(backend.Address, Translate(context, options), protocol))));

    private static async Task<string> GetAsync(ProxyUnderTest proxy, string host = "echo")
    {
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        var answer = await client.ReadMessageAsync();
        var body = answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        return answer.Contains("chunked", StringComparison.Ordinal) ? body.Split("\r\n")[1] : body;
    }

    private Task<string> FailureAsync(TlsBackend backend, UpstreamTlsContext context) => FailureAsync(backend.Address, context);

    /// <summary>The line of the access log for a request that did not get through.</summary>
    private async Task<string> FailureAsync(IPEndPoint backend, UpstreamTlsContext context)
    {
        var output = new MemoryStream();
        await using (var proxy = await ProxyUnderTest.StartAsync(
            ChainOf(RouteTo(Forward(ClusterOf(backend, Translate(context))))),
            services => services.AddSingleton(new AccessLogSettings(output, Always: true))))
        {
            Assert.Equal("upstream connect error or disconnect/reset before headers. reset reason: remote connection failure", await GetAsync(proxy));
        }

        return Encoding.Latin1.GetString(output.ToArray());
    }
}
