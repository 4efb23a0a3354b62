using System.Net;
using System.Text.Json.Nodes;
using Envoy.Service.Auth.V3;
using Envoy.Type.V3;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Http;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Filters.ExtAuthz;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Tcp;
using Waypoint.Proxy.Telemetry;
using Waypoint.Proxy.Tests.Forwarding;
using Waypoint.Proxy.Tests.Listening;
using Waypoint.Xds.Grpc;
using static Waypoint.Proxy.Tests.Filters.ExtAuthz.SampleAuthorizer;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Filters.ExtAuthz;

public sealed class ExtAuthzTests : IAsyncLifetime
{
    private const string Grpc = "\"grpcService\":{\"envoyGrpc\":{\"clusterName\":\"authz\"},\"timeout\":\"5s\"}";
    private readonly SampleAuthorizer _authorizer = new();
    private readonly FilterConfig _config = new();

    public async Task InitializeAsync()
    {
        await _authorizer.InitializeAsync();
        _config.Clusters["authz"] = _authorizer.Grpc;
        _config.Clusters["http"] = _authorizer.Http;
    }

    public Task DisposeAsync() => _authorizer.DisposeAsync();

    [Fact]
    public async Task The_service_is_told_of_the_request()
    {
        _config.Mesh.Workloads.Upsert(new Workload { Uid = "1", Addresses = [IPAddress.Parse("192.168.7.7")], Namespace = "shop", ServiceAccount = "curl" });
        var request = Request(Grpc, "/a/../b?c=d", "POST").With("X-Ext-Authz", "allow").With("x-two", "1", "2").With("x-request-id", "id");
        request.Exchange.Metadata.Set("ns", "k", "v");
        Assert.True(await request.PassesAsync());

        var asked = Assert.Single(_authorizer.Asked).Attributes;
        Assert.Equal("192.168.7.7", asked.Source.Address.SocketAddress.Address);
        Assert.Equal("spiffe://cluster.local/ns/shop/sa/curl", asked.Source.Principal);
        Assert.Equal("10.96.0.1", asked.Destination.Address.SocketAddress.Address);
        Assert.Equal(80u, asked.Destination.Address.SocketAddress.PortValue);
        var http = asked.Request.Http;
        Assert.Equal(("POST", "/b?c=d", "echo", "id", "HTTP/1.1"), (http.Method, http.Path, http.Host, http.Id, http.Protocol));
        Assert.Equal("1,2", http.Headers["x-two"]);
        Assert.Equal("allow", http.Headers["x-ext-authz"]);
        Assert.Equal("POST", http.Headers[":method"]);
        Assert.Equal("/b?c=d", http.Headers[":path"]);
        Assert.Empty(asked.MetadataContext.FilterMetadata);
        Assert.Equal("allowed", request.Context.Request.Headers["x-ext-authz-check-result"]);
    }

    [Fact]
    public async Task A_denied_request_gets_the_services_answer()
    {
        _authorizer.Answer = _ => Task.FromResult(new CheckResponse
        {
            Status = new Google.Rpc.Status { Code = 16 },
            DeniedResponse = new DeniedHttpResponse
            {
                Status = new HttpStatus { Code = StatusCode.Unauthorized },
                Body = "go away",
                Headers = { Header("www-authenticate", "Basic"), Header("content-length", "99"), Header("x-bad", "a\r\nb: c"), Header("set-cookie", "a", true), Header("set-cookie", "b", true) },
            },
        });
        var request = Request(Grpc);
        Assert.False(await request.PassesAsync());
        var response = request.Context.Response;
        Assert.Equal((401, "go away"), (response.StatusCode, request.Body));
        Assert.Equal("Basic", response.Headers.WWWAuthenticate);
        Assert.Equal(7, response.ContentLength);
        Assert.False(response.Headers.ContainsKey("x-bad"));
        Assert.Equal(2, response.Headers.SetCookie.Count);
        Assert.Equal(ResponseFlags.UnauthorizedExternalService, request.Exchange.Flags);
        Assert.Equal("ext_authz_denied", request.Exchange.Details);
    }

    [Fact]
    public async Task An_answer_without_details_denies_with_403()
    {
        _authorizer.Answer = _ => Task.FromResult(new CheckResponse { Status = new Google.Rpc.Status { Code = 7 } });
        var request = Request(Grpc);
        Assert.False(await request.PassesAsync());
        Assert.Equal(403, request.Context.Response.StatusCode);

        // A status of zero is OK, and zero is what is not sent; but who sends a denial means it.
        _authorizer.Answer = _ => Task.FromResult(new CheckResponse());
        Assert.True(await Request(Grpc).PassesAsync());
        _authorizer.Answer = _ => Task.FromResult(new CheckResponse { DeniedResponse = new DeniedHttpResponse() });
        Assert.False(await Request(Grpc).PassesAsync());
    }

    [Fact]
    public async Task An_allowed_request_is_changed_as_the_service_says()
    {
        _authorizer.Answer = _ => Task.FromResult(new CheckResponse
        {
            Status = new Google.Rpc.Status(),
            OkResponse = new OkHttpResponse
            {
                Headers = { Header("x-user", "alice"), Header("x-role", "b", true), Header(":path", "/evil"), Header("transfer-encoding", "chunked") },
                HeadersToRemove = { "authorization", "host", ":method" },
                QueryParametersToSet = { new Envoy.Config.Core.V3.QueryParameter { Key = "q", Value = "a b" } },
                QueryParametersToRemove = { "token" },
            },
            DynamicMetadata = new Struct { Fields = { ["user"] = Google.Protobuf.WellKnownTypes.Value.ForString("alice") } },
        });
        var request = Request(Grpc + ",\"clearRouteCache\":true", "/x?token=1&q=old&r").With("x-user", "forged").With("x-role", "a").With("authorization", "secret");
        Assert.True(await request.PassesAsync());
        var headers = request.Context.Request.Headers;
        Assert.Equal("alice", headers["x-user"]);
        Assert.Equal("a,b", headers["x-role"]);
        Assert.False(headers.ContainsKey("authorization"));
        Assert.False(headers.ContainsKey("transfer-encoding"));
        Assert.Equal("echo", headers["host"]);
        Assert.Equal("/x?r&q=a%20b", request.Context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget);
        Assert.Equal("alice", (string?)request.Exchange.Metadata.Find("envoy.filters.http.ext_authz", ["user"]));
        Assert.True(request.Exchange.IsRouteStale);
    }

    [Fact]
    public async Task The_clients_answer_gets_headers_of_the_service_too()
    {
        _authorizer.Answer = _ => Task.FromResult(new CheckResponse
        {
            Status = new Google.Rpc.Status(),
            OkResponse = new OkHttpResponse { ResponseHeadersToAdd = { Header("x-seen", "yes") } },
        });
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nx-seen: backend\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await Proxy(backend, Grpc);
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
        var answer = await client.ReadMessageAsync();
        Assert.Contains("x-seen: backend\r\n", answer);
        Assert.Contains("x-seen: yes\r\n", answer);
    }

    [Theory]
    [InlineData("", false, 403)]
    [InlineData(",\"statusOnError\":{\"code\":\"ServiceUnavailable\"}", false, 503)]
    [InlineData(",\"failureModeAllow\":true,\"failureModeAllowHeaderAdd\":true", true, 0)]
    public async Task When_the_service_cannot_be_asked_the_configuration_decides(string settings, bool passes, int status)
    {
        _authorizer.Answer = _ => throw new GrpcException(GrpcStatusCode.Internal, "broken");
        await AssertAsync(Request(Grpc + settings));

        _config.Clusters["authz"] = SlotOf(ClusterOf(UpstreamProtocol.Http2, Refusing()));
        await AssertAsync(Request(Grpc + settings));

        _config.Clusters["authz"] = new ClusterSlot("authz");
        await AssertAsync(Request(Grpc + settings));

        _config.Clusters["authz"] = _authorizer.Grpc;
        _authorizer.Answer = async _ =>
        {
            await Task.Delay(TimeSpan.FromSeconds(5));
            return new CheckResponse { Status = new Google.Rpc.Status() };
        };
        await AssertAsync(Request(Grpc.Replace("5s", "0.05s") + settings));

        async Task AssertAsync(FilteredRequest request)
        {
            Assert.Equal(passes, await request.PassesAsync());
            if (passes)
            {
                Assert.Equal("true", request.Context.Request.Headers["x-envoy-auth-failure-mode-allowed"]);
                return;
            }

            Assert.Equal((status, ""), (request.Context.Response.StatusCode, request.Body));
            Assert.Equal("ext_authz_error", request.Exchange.Details);
            Assert.Equal(ResponseFlags.UnauthorizedExternalService, request.Exchange.Flags);
        }
    }

    [Fact]
    public async Task Only_requests_that_an_earlier_filter_chose_are_asked_about()
    {
        const string Chosen = """{"filter":"envoy.filters.http.rbac","path":[{"key":"id"}],"value":{"stringMatch":{"prefix":"istio-"}}}""";
        var filter = _config.Http("ext_authz.v3.ExtAuthz", "{" + Grpc + ",\"filterEnabledMetadata\":" + Chosen + "}");
        Assert.True(await new FilteredRequest("GET", "/", "echo", [filter]).PassesAsync());
        Assert.Empty(_authorizer.Asked);

        var request = new FilteredRequest("GET", "/", "echo", [filter]);
        request.Exchange.Metadata.Set("envoy.filters.http.rbac", "id", "istio-ext-authz-x");
        Assert.False(await request.PassesAsync());
        Assert.Single(_authorizer.Asked);
    }

    [Fact]
    public async Task A_share_of_requests_may_be_asked_about_and_the_rest_refused()
    {
        const string None = ",\"filterEnabled\":{\"defaultValue\":{\"numerator\":0}}";
        Assert.True(await Request(Grpc + None).PassesAsync());
        Assert.False(await Request(Grpc + None + ",\"denyAtDisable\":{\"defaultValue\":true}").PassesAsync());
        Assert.Empty(_authorizer.Asked);
    }

    [Fact]
    public async Task A_route_may_do_without_the_service_or_tell_it_more()
    {
        var filter = _config.Http("ext_authz.v3.ExtAuthz", "{" + Grpc + "}");
        Assert.True(await With("""{"disabled":true}""").PassesAsync());
        Assert.False(await With("""{"checkSettings":{"contextExtensions":{"route":"x"}}}""").PassesAsync());
        Assert.Equal("x", Assert.Single(_authorizer.Asked).Attributes.ContextExtensions["route"]);

        FilteredRequest With(string route) => new("GET", "/", "echo", [filter])
        {
            Route = RouteTo(Forward()) with { FilterSettings = _config.Route("ext_authz.v3.ExtAuthzPerRoute", route) },
        };
    }

    [Fact]
    public async Task Headers_are_shown_as_configured()
    {
        const string Choice = ",\"allowedHeaders\":{\"patterns\":[{\"prefix\":\"x-\"}]},\"disallowedHeaders\":{\"patterns\":[{\"exact\":\"x-secret\"}]}";
        await Request(Grpc + Choice).With("x-a", "1").With("x-secret", "2").With("cookie", "3").PassesAsync();
        Assert.Equal(["x-a"], Assert.Single(_authorizer.Asked).Attributes.Request.Http.Headers.Keys);
    }

    [Theory]
    [InlineData(5, false, "hello", false)]
    [InlineData(4, true, "hell", true)]
    [InlineData(100, false, "hello", false)]
    public async Task The_service_sees_the_body_and_the_backend_gets_it_too(int max, bool partial, string seen, bool isPartial)
    {
        _authorizer.Answer = _ => Task.FromResult(new CheckResponse { Status = new Google.Rpc.Status() });
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await Proxy(
            backend, Grpc + $",\"withRequestBody\":{{\"maxRequestBytes\":{max},\"allowPartialMessage\":{(partial ? "true" : "false")},\"packAsBytes\":true}}");
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync("POST / HTTP/1.1\r\nHost: echo\r\nContent-Length: 5\r\n\r\nhe");
        await Task.Delay(50);
        await client.SendAsync("llo");
        Assert.StartsWith("HTTP/1.1 200", await client.ReadMessageAsync());
        Assert.EndsWith("hello", backend.Request);
        var http = Assert.Single(_authorizer.Asked).Attributes.Request.Http;
        Assert.Equal(seen, http.RawBody.ToStringUtf8());
        Assert.Equal(isPartial ? "true" : "false", http.Headers["x-envoy-auth-partial-body"]);
    }

    [Fact]
    public async Task A_body_that_is_too_long_to_show_is_refused()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await Proxy(backend, Grpc + ",\"withRequestBody\":{\"maxRequestBytes\":4}");
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync("POST / HTTP/1.1\r\nHost: echo\r\nContent-Length: 5\r\n\r\nhello");
        Assert.StartsWith("HTTP/1.1 413", await client.ReadMessageAsync());
        Assert.Empty(_authorizer.Asked);
    }

    [Fact]
    public async Task A_service_over_HTTP_sees_the_named_headers_and_its_own_go_where_configured()
    {
        HttpRequest? seen = null;
        var headers = new HeaderDictionary();
        _authorizer.Serve = context =>
        {
            (seen, headers) = (context.Request, new HeaderDictionary(context.Request.Headers.ToDictionary(StringComparer.OrdinalIgnoreCase)));
            headers[":line"] = $"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}";
            context.Response.Headers["x-user"] = "alice";
            context.Response.Headers["x-role"] = "b";
            context.Response.Headers["x-client"] = "c";
            context.Response.Headers["x-other"] = "d";
            context.Response.Headers["x-envoy-auth-headers-to-remove"] = "authorization, x-gone";
            return Task.CompletedTask;
        };
        var request = Request(
            """
            "httpService":{"serverUri":{"uri":"http://x","cluster":"http","timeout":"5s"},"pathPrefix":"/check",
            "authorizationRequest":{"headersToAdd":[{"key":"x-added","value":"1"}]},
            "authorizationResponse":{"allowedUpstreamHeaders":{"patterns":[{"exact":"x-user"}]},"allowedUpstreamHeadersToAppend":{"patterns":[{"exact":"x-role"}]},
            "dynamicMetadataFromHeaders":{"patterns":[{"exact":"x-other"}]}}},
            "allowedHeaders":{"patterns":[{"exact":"x-shown","ignoreCase":true}]}
            """,
            "/a/b?c",
            "PUT").With("X-Shown", "s").With("x-hidden", "h").With("authorization", "secret").With("x-role", "a").With("x-added", "client").With("x-gone", "1");
        Assert.True(await request.PassesAsync());
        Assert.Equal("PUT /check/a/b?c", headers[":line"]);
        Assert.Equal("echo", headers["host"]);
        Assert.Equal("s", headers["x-shown"]);
        Assert.Equal("secret", headers["authorization"]);
        Assert.Equal("1", headers["x-added"]);
        Assert.Equal("0", headers["content-length"]);
        Assert.False(headers.ContainsKey("x-hidden"));
        var sent = request.Context.Request.Headers;
        Assert.Equal("alice", sent["x-user"]);
        Assert.Equal("a,b", sent["x-role"]);
        Assert.False(sent.ContainsKey("authorization"));
        Assert.False(sent.ContainsKey("x-gone"));
        Assert.False(sent.ContainsKey("x-client"));
        Assert.Equal("d", (string?)request.Exchange.Metadata.Find("envoy.filters.http.ext_authz", ["x-other"]));
        Assert.NotNull(seen);
    }

    [Theory]
    [InlineData(302, 302, "ext_authz_denied")]
    [InlineData(401, 401, "ext_authz_denied")]
    [InlineData(204, 204, "ext_authz_denied")]
    [InlineData(500, 403, "ext_authz_error")]
    public async Task A_service_over_HTTP_denies_by_its_status(int answered, int status, string details)
    {
        _authorizer.Serve = async context =>
        {
            context.Response.StatusCode = answered;
            context.Response.Headers.Location = "http://login";
            context.Response.Headers["x-kept"] = "1";
            context.Response.Headers["x-dropped"] = "1";
            if (answered is not 204)
            {
                await context.Response.WriteAsync("no");
            }
        };
        var request = Request("""
            "httpService":{"serverUri":{"uri":"http://x","cluster":"http","timeout":"5s"},
            "authorizationResponse":{"allowedClientHeaders":{"patterns":[{"exact":"x-kept"}]}}}
            """);
        Assert.False(await request.PassesAsync());
        Assert.Equal((status, details), (request.Context.Response.StatusCode, request.Exchange.Details));
        if (answered < 500)
        {
            Assert.Equal("http://login", request.Context.Response.Headers.Location);
            Assert.Equal("1", request.Context.Response.Headers["x-kept"]);
            Assert.False(request.Context.Response.Headers.ContainsKey("x-dropped"));
            Assert.Equal(answered == 204 ? "" : "no", request.Body);
        }
    }

    [Theory]
    [InlineData(0, true, "")]
    [InlineData(7, false, "ext_authz_denied")]
    public async Task A_connection_is_asked_about_before_a_backend_is_dialled(int code, bool passes, string details)
    {
        _authorizer.Answer = _ => Task.FromResult(new CheckResponse { Status = new Google.Rpc.Status { Code = code } });
        var chain = new TcpChain("tcp", new WeightedClusters([])) { Filters = [_config.Network("ext_authz.v3.ExtAuthz", "{" + Grpc + "}")] };
        var connection = new TcpConnection(IPEndPoint.Parse("10.96.0.1:9090"), IPEndPoint.Parse("192.168.7.7:1"), "spiffe://td/ns/x/sa/y", chain);
        Assert.Equal(passes, await chain.AdmitAsync(connection));
        Assert.Equal(details, connection.TerminationDetails ?? "");
        var asked = Assert.Single(_authorizer.Asked).Attributes;
        Assert.Equal("spiffe://td/ns/x/sa/y", asked.Source.Principal);
        Assert.Equal(9090u, asked.Destination.Address.SocketAddress.PortValue);
        Assert.Null(asked.Request);
    }

    [Fact]
    public async Task Bytes_pass_once_the_service_has_let_the_connection_pass()
    {
        _authorizer.Answer = async _ =>
        {
            await Task.Delay(20);
            return new CheckResponse { Status = new Google.Rpc.Status() };
        };
        using var backend = new Backend();
        await using var front = await Front.StartAsync();
        var chain = new TcpChain("tcp", Front.To(Front.Cluster("backends", backend.Address)))
        {
            Filters = [_config.Network("ext_authz.v3.ExtAuthz", "{" + Grpc + "}")],
        };
        front.Mesh.Publish(new MeshSnapshot(new Dictionary<IPEndPoint, Destination> { [Front.TcpService] = new(null, chain) }));
        for (var i = 0; i < 10; i++)
        {
            using var client = await front.ConnectAsync(Front.TcpService);
            await client.SendAsync("ping");
            using var server = await backend.AcceptAsync();
            Assert.Equal("ping", await server.ReadAsync(4));
            await server.SendAsync("pong");
            Assert.Equal("pong", await client.ReadAsync(4));
        }

        Assert.Equal(10, _authorizer.Asked.Count);
    }

    [Fact]
    public async Task Answers_are_counted()
    {
        using var counters = new Counters(ExtAuthzMetrics.MeterName);
        await Request(Grpc).PassesAsync();
        Assert.Contains("waypoint_ext_authz_total{chain=chain,result=denied} 1", counters.All);
    }

    [Fact]
    public async Task A_configuration_may_come_as_the_JSON_that_a_user_wrote()
    {
        var json = new JsonObject
        {
            ["@type"] = "type.googleapis.com/udpa.type.v1.TypedStruct",
            ["typeUrl"] = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            ["value"] = JsonNode.Parse("""{"grpc_service":{"envoy_grpc":{"cluster_name":"authz"}}}"""),
        };
        var filter = Xds.Catalogue.Whole.Http(new() { Name = "x", TypedConfig = Xds.IstioFixtures.Parse(json) }, _ => _authorizer.Grpc, _config.Scope);
        Assert.False(await new FilteredRequest("GET", "/", "echo", [filter!]).PassesAsync());
        Assert.Single(_authorizer.Asked);
    }

    private FilteredRequest Request(string config, string path = "/", string method = "GET") =>
        new(method, path, "echo", [_config.Http("ext_authz.v3.ExtAuthz", "{" + config + "}")]);

    private Task<ProxyUnderTest> Proxy(RawBackend backend, string config)
    {
        var chain = ChainOf(RouteTo(Forward(backend.Address)));
        IHttpFilter filter = _config.Http("ext_authz.v3.ExtAuthz", "{" + config + "}");
        return StartAsync(new HttpChain { Name = chain.Name, Routes = chain.Routes, PathForm = PathForm.Normal, Filters = [filter] });
    }
}
