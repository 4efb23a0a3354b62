using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Features;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Xds.Translation;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Filters.JwtAuthn;

public sealed class JwtAuthnTests(Tokens issuer) : IClassFixture<Tokens>
{
    private const string Good = """{"iss":"issuer","sub":"alice","aud":"shop"}""";
    private readonly Tokens _issuer = issuer;
    private readonly FilterConfig _config = new();

    [Theory]
    [InlineData("RS256")]
    [InlineData("RS384")]
    [InlineData("RS512")]
    [InlineData("PS256")]
    [InlineData("PS384")]
    [InlineData("PS512")]
    [InlineData("ES256")]
    [InlineData("ES384")]
    [InlineData("ES512")]
    [InlineData("HS256")]
    [InlineData("HS384")]
    [InlineData("HS512")]
    public async Task A_token_of_the_issuer_passes_whatever_it_was_signed_with(string algorithm) =>
        Assert.True(await Request(Filter(), _issuer.Sign(algorithm, Good)).PassesAsync());

    [Theory]
    [InlineData("", 401, "Jwt is missing", false)]
    [InlineData("Bearer x", 401, "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections", true)]
    [InlineData("Bearer a..c", 401, "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections", true)]
    [InlineData("Bearer a.b.c.d", 401, "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections", true)]
    [InlineData("Bearer e30=.e30.e30", 401, "Jwt header [alg] field is required and must be a string", true)]
    [InlineData("Bearer e30==.e30.e30", 401, "Jwt header is an invalid Base64url encoded", true)]
    [InlineData("Bearer e=30.e30.e30", 401, "Jwt header is an invalid Base64url encoded", true)]
    [InlineData("Bearer e30 .e30.e30", 401, "Jwt header is an invalid Base64url encoded", true)]
    [InlineData("Bearer YQ.e30.e30", 401, "Jwt header is an invalid JSON", true)]
    [InlineData("Bearer e30.e30.e30", 401, "Jwt header [alg] field is required and must be a string", true)]
    public async Task A_request_without_a_readable_token_gets_Envoys_answer(string authorization, int status, string body, bool invalid)
    {
        var request = Request(Filter());
        if (authorization.Length > 0)
        {
            request.With("Authorization", authorization);
        }

        await AssertRefusedAsync(request, status, body);
        Assert.Equal(
            $"Bearer realm=\"http://echo/x\"{(invalid ? ", error=\"invalid_token\"" : "")}", request.Context.Response.Headers.WWWAuthenticate);
        Assert.Equal($"jwt_authn_access_denied{{{body.Replace(' ', '_')}}}", request.Exchange.Details);
    }

    [Theory]
    [InlineData("""{"iss":"other"}""", 401, "Jwt issuer is not configured")]
    [InlineData("""{"iss":"issuer","aud":"other"}""", 403, "Audiences in Jwt are not allowed")]
    [InlineData("""{"iss":"issuer"}""", 403, "Audiences in Jwt are not allowed")]
    [InlineData("""{"iss":"issuer","aud":["x","y"]}""", 403, "Audiences in Jwt are not allowed")]
    [InlineData("""{"iss":"issuer","aud":"shop","exp":EXP-61}""", 401, "Jwt is expired")]
    [InlineData("""{"iss":"issuer","aud":"shop","exp":0}""", 401, "Jwt is expired")]
    [InlineData("""{"iss":"issuer","aud":"shop","nbf":EXP+61}""", 401, "Jwt not yet valid")]
    [InlineData("""{"iss":7}""", 401, "Jwt payload [iss] field is not a string")]
    [InlineData("""{"sub":7}""", 401, "Jwt payload [sub] field is not a string")]
    [InlineData("""{"aud":[7]}""", 401, "Jwt payload [aud] field is not a string or string list")]
    [InlineData("""{"exp":"7"}""", 401, "Jwt payload [exp] field is not an integer")]
    [InlineData("""{"exp":-7}""", 401, "Jwt payload [exp] field is not a positive 64 bit integer")]
    [InlineData("""{"nbf":1e300}""", 401, "Jwt payload [nbf] field is not a positive 64 bit integer")]
    [InlineData("""{"iat":"x"}""", 401, "Jwt payload [iat] field is not an integer")]
    [InlineData("""{"jti":1}""", 401, "Jwt payload [jti] field is not a string")]
    [InlineData("""[]""", 401, "Jwt payload is an invalid JSON")]
    [InlineData("""{"iss":"issuer","iss":"other","aud":"shop"}""", 401, "Jwt payload is an invalid JSON")]
    [InlineData("""{"iss":"issuer","aud":"shop","x":"\ud800"}""", 401, "Jwt payload is an invalid JSON")]
    public async Task A_token_whose_claims_are_wrong_is_refused_with_the_reason(string payload, int status, string body) =>
        await AssertRefusedAsync(Request(Filter(), _issuer.Sign("RS256", At(payload))), status, body);

    [Theory]
    [InlineData("""{"iss":"issuer","aud":"shop","exp":EXP-50}""")]
    [InlineData("""{"iss":"issuer","aud":"shop","nbf":EXP+50}""")]
    [InlineData("""{"iss":"issuer","aud":["x","https://shop/"],"exp":EXP+3600.5}""")]
    public async Task Clocks_may_differ_by_a_minute_and_audiences_are_names(string payload) =>
        Assert.True(await Request(Filter(), _issuer.Sign("RS256", At(payload))).PassesAsync());

    [Fact]
    public async Task Deep_JSON_is_refused() =>
        await AssertRefusedAsync(
            Request(Filter(), _issuer.Sign("RS256", string.Concat(Enumerable.Repeat("""{"a":""", 5000)) + "1" + new string('}', 5000))),
            401,
            "Jwt payload is an invalid JSON");

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("EdDSA")]
    [InlineData("RS1")]
    [InlineData("")]
    public async Task An_algorithm_that_is_not_one_of_signatures_is_refused(string algorithm)
    {
        var header = $$"""{"alg":"{{algorithm}}"}""";
        var token = $"{Tokens.Text(Encoding.UTF8.GetBytes(header))}.{Tokens.Text(Encoding.UTF8.GetBytes(Good))}.{Tokens.Text([1, 2, 3])}";
        await AssertRefusedAsync(Request(Filter(), token), 401, "Jwt header [alg] is not supported");
        await AssertRefusedAsync(
            Request(Filter(), token[..(token.LastIndexOf('.') + 1)]),
            401,
            "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections");
    }

    [Fact]
    public async Task A_public_key_is_never_taken_for_a_secret()
    {
        var signed = $"{Tokens.Text("""{"alg":"HS256"}"""u8.ToArray())}.{Tokens.Text(Encoding.UTF8.GetBytes(Good))}";
        var token = $"{signed}.{Tokens.Text(HMACSHA256.HashData(_issuer.PublicKey, Encoding.ASCII.GetBytes(signed)))}";
        await AssertRefusedAsync(Request(Filter(Tokens.Set(_issuer.Rsa())), token), 401, "Jwt verification fails");
    }

    [Fact]
    public async Task A_key_verifies_only_what_it_is_for()
    {
        await AssertRefusedAsync(
            Request(Filter(Tokens.Set(_issuer.Rsa(alg: "RS512"))), _issuer.Sign("RS256", Good)), 401, "Jwks doesn't have key to match kid or alg from Jwt");
        await AssertRefusedAsync(
            Request(Filter(Tokens.Set(_issuer.Ec(256, "p"))), _issuer.Sign("ES384", Good)), 401, "Jwks doesn't have key to match kid or alg from Jwt");
        await AssertRefusedAsync(Request(Filter(Tokens.Set(_issuer.Secret())), _issuer.Sign("RS256", Good)), 401, "Jwt verification fails");
    }

    [Fact]
    public async Task The_key_that_a_token_names_is_used_and_without_a_name_each_is_tried()
    {
        using var other = new Tokens();
        var keys = Tokens.Set(other.Rsa("one"), _issuer.Rsa("two"));
        Assert.True(await Request(Filter(keys), _issuer.Sign("RS256", Good, "two")).PassesAsync());
        Assert.True(await Request(Filter(keys), _issuer.Sign("RS256", Good)).PassesAsync());
        await AssertRefusedAsync(Request(Filter(keys), _issuer.Sign("RS256", Good, "one")), 401, "Jwt verification fails");
        await AssertRefusedAsync(Request(Filter(keys), _issuer.Sign("RS256", Good, "three")), 401, "Jwks doesn't have key to match kid or alg from Jwt");

        var twice = Tokens.Set(other.Rsa("one"), _issuer.Rsa("one"));
        Assert.True(await Request(Filter(twice), _issuer.Sign("RS256", Good, "one")).PassesAsync());
    }

    [Fact]
    public async Task A_changed_payload_does_not_pass_though_the_token_it_came_from_did()
    {
        var filter = Filter();
        var token = _issuer.Sign("RS256", Good);
        Assert.True(await Request(filter, token).PassesAsync());
        var parts = token.Split('.');
        parts[1] = Tokens.Text(Encoding.UTF8.GetBytes(Good.Replace("alice", "admin")));
        await AssertRefusedAsync(Request(filter, string.Join('.', parts)), 401, "Jwt verification fails");
        parts = token.Split('.');
        parts[2] = "AAAA";
        await AssertRefusedAsync(Request(filter, string.Join('.', parts)), 401, "Jwt verification fails");
    }

    [Fact]
    public async Task A_critical_extension_that_nobody_knows_is_refused() =>
        await AssertRefusedAsync(
            Request(Filter(), _issuer.Sign("RS256", Good, header: """{"alg":"RS256","crit":["x"],"x":1}""")), 401, "Jwt verification fails");

    [Theory]
    [InlineData("""{"keys":[]}""", "Jwks doesn't have any valid public key")]
    [InlineData("""{}""", "Jwks does not have [keys] field")]
    [InlineData("""nonsense""", "Jwks is an invalid JSON")]
    [InlineData("""{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA"}]}""", "Jwks doesn't have any valid public key")]
    [InlineData("""{"keys":[{"kty":"RSA","n":"!","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}""", "Jwks doesn't have any valid public key")]
    public async Task Without_a_usable_key_every_token_is_refused_and_the_reason_reported(string keys, string body)
    {
        await AssertRefusedAsync(Request(Filter(keys), _issuer.Sign("RS256", Good)), 401, body);
        Assert.Contains($"local_jwks: {body} (every token is refused)", _config.Unsupported);
    }

    [Fact]
    public async Task All_tokens_of_a_request_must_be_good()
    {
        var request = Request(Filter()).With("Authorization", "Bearer " + _issuer.Sign("RS256", Good), "Bearer x.y.z");
        await AssertRefusedAsync(request, 401, "Jwt header is an invalid Base64url encoded");
    }

    [Fact]
    public async Task Tokens_are_found_where_the_provider_says()
    {
        var filter = Filter(provider: """
            "fromHeaders":[{"name":"x-jwt","valuePrefix":"Token "}],"fromParams":["jwt"],"fromCookies":["session"],"forward":true
            """);
        var token = _issuer.Sign("RS256", Good);
        Assert.True(await Request(filter).With("x-jwt", "Token " + token).PassesAsync());
        Assert.True(await Request(filter, path: $"/x?a=b&jwt={token}").PassesAsync());
        Assert.True(await Request(filter).With("cookie", $"a=b; session={token}").PassesAsync());
        await AssertRefusedAsync(Request(filter, token), 401, "Jwt is missing");
        Assert.True(await Request(Filter(), path: $"/x?access_token={token}").PassesAsync());
    }

    [Fact]
    public async Task A_token_is_not_passed_on_unless_asked_for()
    {
        var token = _issuer.Sign("RS256", Good);
        var request = Request(Filter(), token);
        Assert.True(await request.PassesAsync());
        Assert.False(request.Context.Request.Headers.ContainsKey("Authorization"));

        request = Request(Filter(), path: $"/x?a=b&access_token={token}&c");
        Assert.True(await request.PassesAsync());
        Assert.Equal("/x?a=b&c", request.Context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);

        request = Request(Filter(provider: "\"forward\":true"), token);
        Assert.True(await request.PassesAsync());
        Assert.Equal("Bearer " + token, request.Context.Request.Headers.Authorization);
    }

    [Fact]
    public async Task Claims_go_into_headers_that_nobody_else_may_set()
    {
        const string Claims = """{"iss":"issuer","aud":"shop","sub":"alice","n":7,"f":1.5,"b":true,"l":["a"],"o":{"k":"v"},"crlf":"a\r\nx: y","ü":"ü"}""";
        var filter = Filter(provider: """
            "forwardPayloadHeader":"x-payload","padForwardPayloadHeader":true,"claimToHeaders":[
            {"headerName":"x-sub","claimName":"sub"},{"headerName":"x-n","claimName":"n"},{"headerName":"x-f","claimName":"f"},
            {"headerName":"x-b","claimName":"b"},{"headerName":"x-l","claimName":"l"},{"headerName":"x-k","claimName":"o.k"},
            {"headerName":"x-crlf","claimName":"crlf"},{"headerName":"x-none","claimName":"none"},{"headerName":"x-u","claimName":"ü"}]
            """);
        var request = Request(filter, _issuer.Sign("RS256", Claims)).With("x-sub", "root").With("x-none", "forged").With("x-payload", "forged");
        Assert.True(await request.PassesAsync());
        var headers = request.Context.Request.Headers;
        Assert.Equal("alice", headers["x-sub"]);
        Assert.Equal("7", headers["x-n"]);
        Assert.Equal("1.500000", headers["x-f"]);
        Assert.Equal("true", headers["x-b"]);
        Assert.Equal("v", headers["x-k"]);
        Assert.Equal(Convert.ToBase64String("""["a"]"""u8), headers["x-l"]);
        Assert.Equal("Ã¼", headers["x-u"]);
        Assert.False(headers.ContainsKey("x-crlf"));
        Assert.False(headers.ContainsKey("x-none"));
        Assert.Equal(0, headers["x-payload"].ToString().Length % 4);
        Assert.Equal(Claims, Encoding.UTF8.GetString(Convert.FromBase64String(headers["x-payload"].ToString().Replace('-', '+').Replace('_', '/'))));
    }

    [Fact]
    public async Task Later_filters_find_the_claims()
    {
        var filter = Filter(provider: """
            "payloadInMetadata":"payload","headerInMetadata":"header","normalizePayloadInMetadata":{"spaceDelimitedClaims":["scope"]},"clearRouteCache":true
            """);
        var request = Request(filter, _issuer.Sign("RS256", """{"iss":"issuer","aud":"shop","scope":"read write"}""", "rsa"));
        Assert.True(await request.PassesAsync());
        Assert.Equal("issuer", (string?)Told(request, "payload", "iss"));
        Assert.Equal("""["read","write"]""", Told(request, "payload", "scope")!.ToJsonString());
        Assert.Equal("rsa", (string?)Told(request, "header", "kid"));
        Assert.True(request.Exchange.IsRouteStale);
    }

    [Fact]
    public async Task A_failure_may_be_told_to_later_filters_instead()
    {
        var filter = Filter(provider: "\"failedStatusInMetadata\":\"failure\"", requires: """{"requiresAny":{"requirements":[{"providerName":"p"},{"allowMissingOrFailed":{}}]}}""");
        var request = Request(filter, "x.y.z");
        Assert.True(await request.PassesAsync());
        Assert.Equal("Jwt header is an invalid Base64url encoded", (string?)Told(request, "failure", "message"));
    }

    [Theory]
    [InlineData("none", "missing", true)]
    [InlineData("none", "any", true)]
    [InlineData("bad", "missing", false)]
    [InlineData("bad", "any", true)]
    [InlineData("good", "missing", true)]
    [InlineData("foreign", "missing", false)]
    public async Task A_token_may_be_missing_but_not_bad_unless_both_are_allowed(string token, string allowed, bool passes)
    {
        var bypass = allowed == "any" ? "allowMissingOrFailed" : "allowMissing";
        var filter = Filter(requires: $$$"""{"requiresAny":{"requirements":[{"providerName":"p"},{"{{{bypass}}}":{}}]}}""");
        var request = token switch
        {
            "none" => Request(filter),
            "bad" => Request(filter, "e30.e30.e30"),
            "foreign" => Request(filter, _issuer.Sign("RS256", """{"iss":"foreign"}""")),
            _ => Request(filter, _issuer.Sign("RS256", Good)),
        };
        Assert.Equal(passes, await request.PassesAsync());
    }

    [Fact]
    public async Task Of_two_providers_one_or_both_may_be_needed()
    {
        var second = """,{"providerName":"q"}""";
        var any = Filter(requires: "{\"requiresAny\":{\"requirements\":[{\"providerName\":\"p\"}" + second + "]}}");
        var all = Filter(requires: "{\"requiresAll\":{\"requirements\":[{\"providerName\":\"p\"}" + second + "]}}");
        var (p, q) = (_issuer.Sign("RS256", Good), _issuer.Sign("RS256", """{"iss":"second"}"""));
        Assert.True(await Request(any, p).PassesAsync());
        Assert.True(await Request(any).With("x-second", q).PassesAsync());
        Assert.False(await Request(all, p).PassesAsync());
        Assert.True(await Request(all, p).With("x-second", q).PassesAsync());
        await AssertRefusedAsync(Request(any).With("x-second", "x.y.z"), 401, "Jwt header is an invalid Base64url encoded");
    }

    [Fact]
    public async Task A_requirement_may_have_audiences_of_its_own()
    {
        var filter = Filter(requires: """{"providerAndAudiences":{"providerName":"p","audiences":["store"]}}""");
        await AssertRefusedAsync(Request(filter, _issuer.Sign("RS256", Good)), 403, "Audiences in Jwt are not allowed");
        Assert.True(await Request(filter, _issuer.Sign("RS256", """{"iss":"issuer","aud":"store"}""")).PassesAsync());
    }

    [Fact]
    public async Task Rules_say_which_requests_need_a_token()
    {
        var filter = Filter(rules: """[{"match":{"path":"/open"}},{"match":{"prefix":"/"},"requires":{"providerName":"p"}}]""");
        Assert.True(await Request(filter, path: "/open").PassesAsync());
        Assert.True(await Request(filter, path: "/x/../open?q").PassesAsync());
        Assert.False(await Request(filter, path: "/open/../x").PassesAsync());
        Assert.True(await Request(Filter(rules: "[]"), path: "/x").PassesAsync());
    }

    [Fact]
    public async Task A_preflight_request_needs_no_token()
    {
        var request = new FilteredRequest("OPTIONS", "/", "echo", [Filter()]).With("Origin", "http://a").With("Access-Control-Request-Method", "GET");
        Assert.True(await request.PassesAsync());
        Assert.False(await new FilteredRequest("OPTIONS", "/", "echo", [Filter()]).With("Origin", "http://a").PassesAsync());
    }

    [Fact]
    public async Task A_route_may_ask_for_another_requirement_or_none()
    {
        var filter = Filter(extra: """,{"requirementMap":{"free":{"providerName":"q"}}}""");
        Assert.True(await With("""{"disabled":true}""").PassesAsync());
        Assert.True(await With("""{"requirementName":"free"}""").With("x-second", _issuer.Sign("RS256", """{"iss":"second"}""")).PassesAsync());
        await AssertRefusedAsync(
            With("""{"requirementName":"lost"}"""), 403, "Failed JWT authentication: Wrong requirement_name: lost. It should be one of [free]");

        FilteredRequest With(string route) => new("GET", "/", "echo", [filter])
        {
            Route = RouteTo(Forward()) with { FilterSettings = _config.Route("jwt_authn.v3.PerRouteConfig", route) },
        };
    }

    [Fact]
    public async Task A_client_need_not_be_told_why()
    {
        var request = Request(Filter(extra: """,{"stripFailureResponse":true}"""));
        await AssertRefusedAsync(request, 401, "");
        Assert.Equal("jwt_authn_access_denied{Jwt_is_missing}", request.Exchange.Details);
        Assert.False(request.Context.Response.Headers.ContainsKey("WWW-Authenticate"));
    }

    [Fact]
    public async Task A_realm_cannot_end_its_quotes()
    {
        var request = Request(Filter(), path: "/a\"b");
        Assert.False(await request.PassesAsync());
        Assert.Equal("Bearer realm=\"http://echo/a%22b\"", request.Context.Response.Headers.WWWAuthenticate);
    }

    [Fact]
    public async Task A_grpc_client_is_told_that_it_is_not_authenticated()
    {
        var request = Request(Filter()).With("content-type", "application/grpc");
        Assert.False(await request.PassesAsync());
        Assert.Equal("16", request.Context.Response.Headers["grpc-status"]);
    }

    [Theory]
    [InlineData("""{"filterStateRules":{}}""")]
    public async Task What_decides_and_is_not_known_refuses_everything(string config)
    {
        Assert.False(await Request(_config.Http("jwt_authn.v3.JwtAuthentication", config)).PassesAsync());
        Assert.Equal(["JWT filter_state_rules (everything is refused)"], _config.Unsupported);
    }

    [Fact]
    public void A_requirement_of_unknown_kind_or_provider_makes_the_configuration_unusable()
    {
        var error = Assert.Throws<ResourceException>(() => Filter(requires: """{"extractOnlyWithoutValidation":{}}"""));
        Assert.Equal("filter 'test': rule: requires: ExtractOnlyWithoutValidation is not supported", error.Message);
        error = Assert.Throws<ResourceException>(() => Filter(requires: """{"providerName":"lost"}"""));
        Assert.Equal("filter 'test': rule: provider_name: provider 'lost' is not configured", error.Message);
    }

    /// <summary>What a real istiod makes of a RequestAuthentication with an inline key, a header, a parameter and two headers to write.</summary>
    [Theory]
    [InlineData("good", 0, "")]
    [InlineData("missing", 0, "")]
    [InlineData("signature", 401, "Jwt verification fails")]
    [InlineData("audience", 403, "Audiences in Jwt are not allowed")]
    [InlineData("expired", 401, "Jwt is expired")]
    public async Task A_RequestAuthentication_as_istiod_translates_it(string token, int status, string body)
    {
        var filter = _config.Http("jwt_authn.v3.JwtAuthentication", """
            {"bypassCorsPreflight":true,"providers":{"origins-0":{"audiences":["echo"],"claimToHeaders":[{"claimName":"sub","headerName":"x-sub"}],
            "clearRouteCache":true,"forward":true,"forwardPayloadHeader":"x-payload","fromHeaders":[{"name":"x-jwt","valuePrefix":"Bearer "}],
            "fromParams":["token"],"issuer":"test@example","localJwks":{"inlineString":"{\"keys\":[{\"kty\":\"oct\",\"kid\":\"k1\",\"alg\":\"HS256\",\"k\":\"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMw\"}]}"},
            "normalizePayloadInMetadata":{"spaceDelimitedClaims":["permission","scope"]},"payloadInMetadata":"payload"}},
            "rules":[{"match":{"prefix":"/"},"requires":{"requiresAny":{"requirements":[{"providerName":"origins-0"},{"allowMissing":{}}]}}}]}
            """);
        var payload = token switch
        {
            "audience" => """{"iss":"test@example","sub":"bob","aud":"other"}""",
            "expired" => """{"iss":"test@example","sub":"bob","aud":"echo","exp":1}""",
            _ => """{"iss":"test@example","sub":"bob","aud":"echo"}""",
        };
        var signed = $"{Tokens.Text("""{"alg":"HS256","kid":"k1"}"""u8.ToArray())}.{Tokens.Text(Encoding.UTF8.GetBytes(payload))}";
        var secret = token == "signature" ? "guessed"u8 : "secret-secret-secret-secret-123"u8;
        var request = Request(filter).With("x-sub", "forged");
        if (token != "missing")
        {
            request.With("x-jwt", $"Bearer {signed}.{Tokens.Text(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(signed)))}");
        }

        if (status > 0)
        {
            await AssertRefusedAsync(request, status, body);
            return;
        }

        Assert.True(await request.PassesAsync());
        Assert.Equal(token == "good" ? "bob" : "", request.Context.Request.Headers["x-sub"].ToString());
        Assert.Equal(token == "good" ? "bob" : null, (string?)Told(request, "payload", "sub"));
    }

    private static JsonNode? Told(FilteredRequest request, params string[] path) =>
        request.Exchange.Metadata.Find("envoy.filters.http.jwt_authn", path);

    private static async Task AssertRefusedAsync(FilteredRequest request, int status, string body)
    {
        Assert.False(await request.PassesAsync());
        Assert.Equal((status, body), (request.Context.Response.StatusCode, request.Body));
    }

    private static string At(string payload)
    {
        var at = payload.IndexOf("EXP", StringComparison.Ordinal);
        if (at < 0)
        {
            return payload;
        }

        var end = payload.IndexOf('}', at);
        var offset = double.Parse(payload.AsSpan(at + 3, end - at - 3), System.Globalization.CultureInfo.InvariantCulture);
        var time = (DateTimeOffset.UtcNow.ToUnixTimeSeconds() + offset).ToString(System.Globalization.CultureInfo.InvariantCulture);
        return string.Concat(payload.AsSpan(0, at), time, payload.AsSpan(end));
    }

    private static FilteredRequest Request(IHttpFilter filter, string? token = null, string path = "/x")
    {
        var request = new FilteredRequest("GET", path, "echo", [filter]);
        request.Context.Request.Scheme = "http";
        return token is null ? request : request.With("Authorization", "Bearer " + token);
    }

    private IHttpFilter Filter(string? keys = null, string? provider = null, string? requires = null, string? rules = null, string? extra = null)
    {
        var p = JsonNode.Parse($$"""{"issuer":"issuer","audiences":["shop"]{{(provider is null ? "" : "," + provider)}}}""")!.AsObject();
        p["localJwks"] = new JsonObject { ["inlineString"] = keys ?? _issuer.All };
        var q = JsonNode.Parse("""{"issuer":"second","fromHeaders":[{"name":"x-second"}]}""")!.AsObject();
        q["localJwks"] = new JsonObject { ["inlineString"] = _issuer.All };
        var config = extra is null ? new JsonObject() : JsonNode.Parse(extra[1..])!.AsObject();
        config["bypassCorsPreflight"] = true;
        config["providers"] = new JsonObject { ["p"] = p, ["q"] = q };
        config["rules"] = JsonNode.Parse(rules ?? $$"""[{"match":{"prefix":"/"},"requires":{{requires ?? """{"providerName":"p"}"""}}}]""");
        return _config.Http("jwt_authn.v3.JwtAuthentication", config.ToJsonString());
    }
}
