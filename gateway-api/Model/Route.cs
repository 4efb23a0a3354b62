using System.Collections.Immutable;

namespace Waypoint.GatewayApi.Model;

/// <summary>What a route attaches to. Group and kind default, as in the API, to a Gateway.</summary>
internal sealed record ParentRef(string Group, string Kind, string Namespace, string Name, string? SectionName, int? Port)
{
    public bool IsService => Kind == "Service" && Group is "" or "core";

    public NamespacedName Id => new(Namespace, Name);
}

/// <summary>
/// A reference to a backend. Weight is 0 to 1,000,000 and counts among its siblings; <see cref="Field"/> is where it
/// stands in its route, for messages.
/// </summary>
internal sealed record BackendRef(
    string Group,
    string Kind,
    string Namespace,
    string Name,
    int? Port,
    int Weight,
    ImmutableArray<RouteFilter> Filters,
    string Field)
{
    public bool IsService => Kind == "Service" && Group is "" or "core";

    public NamespacedName Id => new(Namespace, Name);
}

/// <summary>What HTTPRoute, GRPCRoute and TCPRoute share.</summary>
internal abstract record Route(ObjectKind Kind, ObjectHeader Header, ImmutableArray<ParentRef> ParentRefs)
    : KubernetesObject(Kind, Header)
{
    /// <summary>Every reference to a backend in the route, mirrors included.</summary>
    public abstract IEnumerable<BackendRef> BackendRefs { get; }

    /// <summary>The API's order between routes that match a request equally well: the older first, then by name.</summary>
    public static int CompareAge(Route left, Route right)
    {
        int byAge = (left.Metadata.CreationTimestamp ?? DateTimeOffset.MaxValue)
            .CompareTo(right.Metadata.CreationTimestamp ?? DateTimeOffset.MaxValue);
        return byAge != 0 ? byAge : left.Id.CompareTo(right.Id) is var byName and not 0 ? byName : left.Kind.CompareTo(right.Kind);
    }
}

/// <summary>A route that looks at requests: HTTPRoute and GRPCRoute.</summary>
internal sealed record RequestRoute(
    ObjectKind Kind,
    ObjectHeader Header,
    ImmutableArray<ParentRef> ParentRefs,
    ImmutableArray<string> Hostnames,
    ImmutableArray<RouteRule> Rules)
    : Route(Kind, Header, ParentRefs)
{
    public override IEnumerable<BackendRef> BackendRefs =>
        Rules.SelectMany(rule => rule.BackendRefs.Concat(rule.Filters.OfType<RequestMirror>().Select(mirror => mirror.Backend)));
}

/// <summary>A TCPRoute: exactly one rule.</summary>
internal sealed record TcpRoute(
    ObjectHeader Header,
    ImmutableArray<ParentRef> ParentRefs,
    ImmutableArray<BackendRef> Backends)
    : Route(ObjectKind.TCPRoute, Header, ParentRefs)
{
    public override IEnumerable<BackendRef> BackendRefs => Backends;
}
