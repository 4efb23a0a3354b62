using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Sources.Reading;
using Waypoint.GatewayApi.Sources.Yaml;
using Waypoint.GatewayApi.Validation;

namespace Waypoint.GatewayApi.Tests.Validation;

/// <summary>The API's rules for routes: what each wrong rule is told, and that what is right passes.</summary>
public class RouteRulesTests
{
    private const string Backend = "backendRefs: [{name: a, port: 80}]";

    public static TheoryData<string, string> Wrong => new()
    {
        { "- matches: [{path: {value: nope}}]", "spec.rules[0].matches[0].path.value: \"nope\" must begin with '/'" },
        { "- matches: [{path: {value: /a//b}}]", "spec.rules[0].matches[0].path.value: \"/a//b\" must not contain '//'" },
        { "- matches: [{path: {value: /a/../b}}]", "spec.rules[0].matches[0].path.value: \"/a/../b\" must not contain '/../'" },
        { "- matches: [{path: {value: /a%2fb}}]", "spec.rules[0].matches[0].path.value: \"/a%2fb\" must not contain '%2f'" },
        { "- matches: [{path: {value: '/a#b'}}]", "spec.rules[0].matches[0].path.value: \"/a#b\" must not contain '#'" },
        { "- matches: [{path: {value: /a/..}}]", "spec.rules[0].matches[0].path.value: \"/a/..\" must not end with '/.' or '/..'" },
        { "- matches: [{path: {value: /a b}}]", "spec.rules[0].matches[0].path.value: \"/a b\" holds a character that a path cannot have; percent-encode it" },
        { "- matches: [{path: {type: Glob, value: /a}}]", "spec.rules[0].matches[0].path.type: \"Glob\" is none of PathPrefix, Exact, RegularExpression" },
        { "- matches: [{path: {type: RegularExpression, value: '/(a'}}]", "spec.rules[0].matches[0].path.value: \"/(a\" is not a regular expression: Invalid pattern '/(a' at offset 3. Not enough )'s." },
        { "- matches: [{path: {type: RegularExpression, value: '/(a)\\1'}}]", "spec.rules[0].matches[0].path.value: \"/(a)\\1\" uses a back-reference, look-around or atomic group; only expressions in RE2's syntax are allowed" },
        { "- matches: [{method: FETCH}]", "spec.rules[0].matches[0].method: \"FETCH\" is none of GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH" },
        { "- matches: [{headers: [{name: 'x y', value: a}]}]", "spec.rules[0].matches[0].headers[0].name: \"x y\" must be an HTTP token (letters, digits and !#$%&'*+-.^_`|~)" },
        { "- matches: [{headers: [{name: a, value: x}, {name: A, value: z}]}]", "spec.rules[0].matches[0].headers: \"a\" is given twice" },
        { "- matches: [{headers: [{name: a}]}]", "spec.rules[0].matches[0].headers[0].value: is required" },
        { "- matches: [{queryParams: [{name: q, value: ''}]}]", "spec.rules[0].matches[0].queryParams[0].value: \"\" must be 1 to 1024 characters" },
        { "- name: same\n- name: same", "spec.rules: the name \"same\" of rule 1 is that of an earlier rule; names must be unique in a route" },
        { "- name: Not_A_Name", "spec.rules[0].name: \"Not_A_Name\" must be lower-case letters, digits, '-' and '.', each part beginning and ending with a letter or digit" },
        { "- backendRefs: [{name: a}]", "spec.rules[0].backendRefs[0].port: is required for a Service" },
        { "- backendRefs: [{name: a, port: 70000}]", "spec.rules[0].backendRefs[0].port: 70000 is not between 1 and 65535" },
        { "- backendRefs: [{name: a, port: 80, weight: -1}]", "spec.rules[0].backendRefs[0].weight: -1 is not between 0 and 1000000" },
        { "- timeouts: {request: 10}", "spec.rules[0].timeouts.request: must be a string, not the integer 10; put it in quotes" },
        { "- timeouts: {request: 1.5s}", "spec.rules[0].timeouts.request: \"1.5s\" must be a duration such as 10s, 1m30s or 500ms (GEP-2257)" },
        { "- timeouts: {request: 1s, backendRequest: 2s}", "spec.rules[0].timeouts.backendRequest: must not be longer than request" },
        { "- retry: {attempts: -1}", "spec.rules[0].retry.attempts: -1 is not between 0 and 2147483647" },
        { "- retry: {codes: [200]}", "spec.rules[0].retry.codes[0]: 200 is not between 400 and 599" },
        { "- retry: {codes: [503, 503]}", "spec.rules[0].retry.codes: holds a code twice" },
        { "- filters: [{type: Magic}]", "spec.rules[0].filters[0].type: \"Magic\" is none of RequestHeaderModifier, ResponseHeaderModifier, RequestMirror, RequestRedirect, URLRewrite, CORS, ExtensionRef, ExternalAuth" },
        { "- filters: [{type: RequestRedirect}]", "spec.rules[0].filters[0].requestRedirect: is required" },
        { "- filters: [{type: RequestRedirect, requestRedirect: {}, urlRewrite: {}}]", "spec.rules[0].filters[0].urlRewrite: must not be given where type is RequestRedirect" },
        { "- filters: [{type: RequestRedirect, requestRedirect: {statusCode: 200}}]", "spec.rules[0].filters[0].requestRedirect.statusCode: 200 is none of 301, 302, 303, 307, 308" },
        { "- filters: [{type: RequestRedirect, requestRedirect: {scheme: ftp}}]", "spec.rules[0].filters[0].requestRedirect.scheme: \"ftp\" is none of http, https" },
        { "- filters: [{type: RequestRedirect, requestRedirect: {}}]\n  " + Backend, "spec.rules[0].backendRefs: must be empty in a rule with a RequestRedirect filter" },
        { "- filters: [{type: RequestRedirect, requestRedirect: {}}, {type: URLRewrite, urlRewrite: {}}]", "spec.rules[0].filters: RequestRedirect and URLRewrite cannot be used together" },
        { "- filters: [{type: URLRewrite, urlRewrite: {}}, {type: URLRewrite, urlRewrite: {}}]", "spec.rules[0].filters: URLRewrite cannot be repeated" },
        { "- filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /x}}}]\n  matches: [{path: {type: Exact, value: /a}}]", "spec.rules[0].filters: replacePrefixMatch needs exactly one match in the rule, with a path of type PathPrefix" },
        { "- filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /x}}}]\n  matches: [{path: {value: /a}}, {path: {value: /b}}]", "spec.rules[0].filters: replacePrefixMatch needs exactly one match in the rule, with a path of type PathPrefix" },
        { "- filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replacePrefixMatch: /x}}}]", "spec.rules[0].filters[0].urlRewrite.path.replaceFullPath: is required for this type" },
        { "- filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: x}, {name: A, value: z}]}}]", "spec.rules[0].filters[0].requestHeaderModifier.set: \"a\" is given twice" },
        { "- filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 80}, percent: 101}}]", "spec.rules[0].filters[0].requestMirror.percent: 101 is not between 0 and 100" },
        { "- filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 80}, percent: 5, fraction: {numerator: 1}}}]", "spec.rules[0].filters[0].requestMirror.fraction: must not be given together with percent" },
        { "- filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 80}, fraction: {numerator: 3, denominator: 2}}}]", "spec.rules[0].filters[0].requestMirror.fraction.numerator: must not be greater than the denominator" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_wrong_rule_is_refused_by_field_and_reason(string rules, string expected) =>
        Assert.Contains(expected, Errors(TestMesh.HttpRoute(rules)));

    [Theory]
    [InlineData("- matches: [{path: {type: Exact, value: \"/a/b%20c;v=1\"}, method: PATCH}]")]
    [InlineData("- matches: [{path: {type: RegularExpression, value: \"/re/[0-9]+(a|b)?\"}}]")]
    [InlineData("- timeouts: {request: 0s, backendRequest: 5s}")]
    [InlineData("- timeouts: {request: 1h, backendRequest: 59m59s999ms}")]
    [InlineData("- retry: {attempts: 0}")]
    [InlineData("- retry: {attempts: 3, backoff: 100ms, codes: [500, 503]}")]
    [InlineData("- filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 80}}}, {type: RequestMirror, requestMirror: {backendRef: {name: b, port: 80}}}]")]
    [InlineData("- filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: \"\"}}}]\n  matches: [{path: {value: /a/}}]")]
    [InlineData("- backendRefs: [{group: example.com, kind: Bucket, name: a}]")]
    public void A_right_rule_passes(string rules) => Assert.Empty(Errors(TestMesh.HttpRoute(rules)));

    [Fact]
    public void Limits_of_a_route_are_kept()
    {
        string rule = "- matches: [" + string.Join(", ", Enumerable.Range(0, 64).Select(number => $"{{path: {{value: /{number}}}}}")) + "]";

        Assert.Empty(Errors(TestMesh.HttpRoute($"{rule}\n{rule}")));
        Assert.Contains("spec.rules: have 129 matches in all; at most 128 are allowed", Errors(TestMesh.HttpRoute($"{rule}\n{rule}\n- {{}}")));
        Assert.Contains("spec.rules: has 17 items; at most 16 are allowed", Errors(TestMesh.HttpRoute(string.Join('\n', Enumerable.Repeat("- {}", 17)))));
    }

    [Theory]
    [InlineData("{group: '', kind: Service, name: a}, {group: '', kind: Service, name: a, port: 80}", "spec.parentRefs: refer to Service \"a\" more than once; each must then have a sectionName or port")]
    [InlineData("{group: '', kind: Service, name: a, port: 80}, {group: '', kind: Service, name: a, port: 80}", "spec.parentRefs: refer to Service \"a\" more than once with the same sectionName and port")]
    [InlineData("{kind: Service}", "spec.parentRefs[0].name: is required")]
    public void Parents_must_be_told_apart(string parents, string expected) => Assert.Contains(expected, Errors($$"""
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: route}
        spec: {parentRefs: [{{parents}}]}
        """));

    [Theory]
    [InlineData("rules: [{matches: [{method: {}}]}]", "spec.rules[0].matches[0].method.service: one of service and method must be given")]
    [InlineData("rules: [{matches: [{method: {service: a/b}}]}]", "spec.rules[0].matches[0].method.service: \"a/b\" is not a gRPC service name")]
    [InlineData("rules: [{filters: [{type: URLRewrite, urlRewrite: {}}]}]", "spec.rules[0].filters[0].type: \"URLRewrite\" is none of RequestHeaderModifier, ResponseHeaderModifier, RequestMirror, ExtensionRef")]
    public void A_wrong_GRPCRoute_is_refused(string spec, string expected) => Assert.Contains(expected, Errors($$"""
        apiVersion: gateway.networking.k8s.io/v1
        kind: GRPCRoute
        metadata: {name: route}
        spec: {{{spec}}}
        """));

    [Theory]
    [InlineData("rules: []", "spec.rules: needs exactly one rule")]
    [InlineData("rules: [{}]", "spec.rules[0].backendRefs: needs at least one entry")]
    [InlineData("rules: [{backendRefs: [{name: a, port: 1}]}, {backendRefs: [{name: a, port: 1}]}]", "spec.rules: has 2 items; at most 1 are allowed")]
    public void A_wrong_TCPRoute_is_refused(string spec, string expected) => Assert.Contains(expected, Errors($$"""
        apiVersion: gateway.networking.k8s.io/v1
        kind: TCPRoute
        metadata: {name: route}
        spec: {{{spec}}}
        """));

    [Theory]
    [InlineData("10s", 10_000)]
    [InlineData("1m30s", 90_000)]
    [InlineData("1h2m3s4ms", 3_723_004)]
    [InlineData("500ms", 500)]
    [InlineData("0s", 0)]
    public void A_duration_adds_up(string text, int milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), GatewayDuration.Parse(text));

    [Fact]
    public void What_a_rule_leaves_out_is_what_the_API_says()
    {
        RequestRoute route = (RequestRoute)TestMesh.Read(TestMesh.HttpRoute("- retry: {}\n  backendRefs: [{name: a, port: 80}]")).Single();

        Assert.Equal(RouteMatch.Any, route.Rules[0].Matches.Single());
        Assert.Equal(1, route.Rules[0].Retry!.Attempts);
        Assert.Equal(1, route.Rules[0].BackendRefs[0].Weight);
        Assert.Equal("Service", route.Rules[0].BackendRefs[0].Kind);
    }

    private static List<string> Errors(string yaml)
    {
        List<Diagnostic> diagnostics = [];
        ObjectReader.Read(YamlDocuments.Read(yaml).Single(), "test.yaml", [], diagnostics);
        return [.. diagnostics.Where(diagnostic => diagnostic.Severity == Severity.Error).Select(diagnostic => $"{diagnostic.Field}: {diagnostic.Reason}")];
    }
}
