using System.Collections.Immutable;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Validation;

namespace Waypoint.GatewayApi.Sources.Reading;

/// <summary>Reads HTTPRoute, GRPCRoute and TCPRoute, and holds them to the API's limits.</summary>
internal static class RouteReader
{
    private const int MaximumParents = 32;
    private const int MaximumHostnames = 16;
    private const int MaximumRules = 16;
    private const int MaximumMatches = 64;
    private const int MaximumBackends = 16;
    private const int MaximumWeight = 1_000_000;

    public static KubernetesObject ReadHttp(FieldReader root, ObjectHeader header) => ReadRequestRoute(root, header, ObjectKind.HTTPRoute);

    public static KubernetesObject ReadGrpc(FieldReader root, ObjectHeader header) => ReadRequestRoute(root, header, ObjectKind.GRPCRoute);

    public static KubernetesObject ReadTcp(FieldReader root, ObjectHeader header)
    {
        if (root.RequiredChild("spec") is not { } spec)
        {
            return new TcpRoute(header, [], []);
        }

        ImmutableArray<ParentRef> parents = ReadParents(spec, header);
        ImmutableArray<TcpRule> rules = spec.Children("rules", 1, rule => ReadTcpRule(rule, header));
        if (rules.IsEmpty)
        {
            spec.Error("rules", "needs exactly one rule");
        }

        spec.Ignore("useDefaultGateways");
        spec.Finish();
        return new TcpRoute(header, parents, rules.IsEmpty ? [] : rules[0].Backends);
    }

    /// <summary>Reads a reference to a backend; <paramref name="weighted"/> is false for a mirror's.</summary>
    public static BackendRef ReadBackend(FieldReader backend, ObjectHeader header, ObjectKind route, bool weighted)
    {
        string group = backend.Text("group", TextRules.Group) ?? "";
        string kind = backend.Text("kind", TextRules.Kind) ?? "Service";
        int? port = backend.Integer("port", 1, 65535);
        BackendRef read = new(
            group,
            kind,
            backend.Text("namespace", TextRules.Label) ?? header.Metadata.Namespace,
            backend.RequiredText("name", TextRules.AnyName),
            port,
            weighted ? backend.Integer("weight", 0, MaximumWeight) ?? 1 : 1,
            weighted && route != ObjectKind.TCPRoute ? FilterReader.ReadAll(backend, header, route) : [],
            backend.Path);
        if (read.IsService && !backend.Has("port"))
        {
            backend.Error("port", "is required for a Service");
        }

        backend.Finish();
        return read;
    }

    private sealed record TcpRule(ImmutableArray<BackendRef> Backends);

    private static TcpRule ReadTcpRule(FieldReader rule, ObjectHeader header)
    {
        TcpRule read = new(rule.Children("backendRefs", MaximumBackends, backend => ReadBackend(backend, header, ObjectKind.TCPRoute, true)));
        if (read.Backends.IsEmpty)
        {
            rule.Error("backendRefs", "needs at least one entry");
        }

        rule.Text("name", TextRules.Subdomain);
        rule.Finish();
        return read;
    }

    private static RequestRoute ReadRequestRoute(FieldReader root, ObjectHeader header, ObjectKind kind)
    {
        RequestRoute route = new(kind, header, [], [], []);
        if (root.RequiredChild("spec") is not { } spec)
        {
            return route;
        }

        route = route with
        {
            ParentRefs = ReadParents(spec, header),
            Hostnames = spec.Texts("hostnames", MaximumHostnames, TextRules.Hostname),
            Rules = spec.Has("rules")
                ? spec.Children("rules", MaximumRules, rule => ReadRule(rule, header, kind))
                : [new RouteRule(null, [RouteMatch.Any], [], RouteTimeouts.None, null, false, [])],
        };
        RouteChecks.Check(spec, route);
        spec.Ignore("useDefaultGateways");
        spec.Finish();
        return route;
    }

    private static ImmutableArray<ParentRef> ReadParents(FieldReader spec, ObjectHeader header)
    {
        ImmutableArray<ParentRef> parents = spec.Children("parentRefs", MaximumParents, parent =>
        {
            ParentRef read = new(
                parent.Text("group", TextRules.Group) ?? WellKnown.GatewayGroup,
                parent.Text("kind", TextRules.Kind) ?? "Gateway",
                parent.Text("namespace", TextRules.Label) ?? header.Metadata.Namespace,
                parent.RequiredText("name", TextRules.AnyName),
                parent.Text("sectionName", TextRules.Subdomain),
                parent.Integer("port", 1, 65535));
            parent.Finish();
            return read;
        });
        RouteChecks.CheckParents(spec, parents);
        return parents;
    }

    private static RouteRule ReadRule(FieldReader rule, ObjectHeader header, ObjectKind kind)
    {
        bool grpc = kind == ObjectKind.GRPCRoute;
        ImmutableArray<RouteMatch> matches = rule.Children("matches", MaximumMatches, match => grpc ? MatchReader.ReadGrpc(match) : MatchReader.ReadHttp(match));
        RouteRule read = new(
            rule.Text("name", TextRules.Subdomain),
            matches.IsEmpty ? [RouteMatch.Any] : matches,
            FilterReader.ReadAll(rule, header, kind),
            grpc ? RouteTimeouts.None : ReadTimeouts(rule),
            grpc ? null : ReadRetry(rule),
            rule.Has("sessionPersistence"),
            rule.Children("backendRefs", MaximumBackends, backend => ReadBackend(backend, header, kind, true)));
        RouteChecks.CheckRule(rule, read);
        rule.Finish();
        return read;
    }

    private static RouteTimeouts ReadTimeouts(FieldReader rule)
    {
        if (rule.Child("timeouts") is not { } timeouts)
        {
            return RouteTimeouts.None;
        }

        RouteTimeouts read = new(ReadDuration(timeouts, "request"), ReadDuration(timeouts, "backendRequest"));
        if (read.Request is { } request && request > TimeSpan.Zero && read.BackendRequest > request)
        {
            timeouts.Error("backendRequest", "must not be longer than request");
        }

        timeouts.Finish();
        return read;
    }

    private static RouteRetry? ReadRetry(FieldReader rule)
    {
        if (rule.Child("retry") is not { } retry)
        {
            return null;
        }

        RouteRetry read = new(
            retry.Integer("attempts", 0) ?? 1,
            ReadDuration(retry, "backoff"),
            retry.Integers("codes", 400, 599));
        if (read.Codes.Distinct().Count() != read.Codes.Length)
        {
            retry.Error("codes", "holds a code twice");
        }

        retry.Finish();
        return read;
    }

    private static TimeSpan? ReadDuration(FieldReader fields, string key) =>
        fields.Text(key, TextRules.Duration) is { } text ? GatewayDuration.Parse(text) : null;
}
