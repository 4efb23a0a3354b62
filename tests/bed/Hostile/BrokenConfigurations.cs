namespace Waypoint.TestBed.Hostile;

/// <param name="Flaw">What is wrong, in a few words.</param>
/// <param name="Text">The whole file.</param>
/// <param name="Named">What an error must name besides the file: the object and the field, as far as the file has them.</param>
public sealed record BrokenConfiguration(string Flaw, string Text, IReadOnlyList<string> Named);

/// <summary>Ten files that must change nothing and be reported, each for its own reason.</summary>
public static class BrokenConfigurations
{
    public static IReadOnlyList<BrokenConfiguration> All { get; } =
    [
        new("not YAML", "apiVersion: v1\nkind: [Service\n", []),
        new("no name", "apiVersion: v1\nkind: Service\nmetadata: {namespace: shop}\nspec: {ports: [{port: 80}]}\n", ["metadata.name"]),
        new("port too large", Service("spec: {clusterIP: 10.96.0.99, ports: [{name: http, port: 99999}]}"), ["broken", "port"]),
        new("address that is none", Service("spec: {clusterIP: 10.96.0.299, ports: [{name: http, port: 80}]}"), ["broken", "clusterIP"]),
        new("negative weight", Route("backendRefs: [{name: echo-v1, port: 80, weight: -1}]"), ["broken", "weight"]),
        new("path without a slash", Route("matches: [{path: {type: PathPrefix, value: cart}}]"), ["broken", "path"]),
        new("unknown method", Route("matches: [{method: FETCH}]"), ["broken", "method"]),
        new("regular expression that does not compile", Route("matches: [{path: {type: RegularExpression, value: '/(a'}}]"), ["broken", "path"]),
        new("duration in words", Route("timeouts: {request: 10 minutes}"), ["broken", "timeouts.request"]),
        new("redirect and rewrite at once", Route(
            "filters: [{type: RequestRedirect, requestRedirect: {port: 81}}, {type: URLRewrite, urlRewrite: {hostname: a.example}}]"), ["broken", "filters"]),
    ];

    private static string Service(string spec) => $"apiVersion: v1\nkind: Service\nmetadata: {{name: broken, namespace: shop}}\n{spec}\n";

    private static string Route(string rule) => $$"""
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: broken, namespace: shop}
        spec:
          parentRefs: [{group: "", kind: Service, name: echo, port: 80}]
          rules:
          - {{rule}}

        """;
}
