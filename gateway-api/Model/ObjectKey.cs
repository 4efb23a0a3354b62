namespace Waypoint.GatewayApi.Model;

/// <summary>The kinds that mean something to the control plane; every other kind is passed over with a notice.</summary>
internal enum ObjectKind
{
    Namespace,
    Node,
    Service,
    Pod,
    EndpointSlice,
    GatewayClass,
    Gateway,
    HTTPRoute,
    GRPCRoute,
    TCPRoute,
    ReferenceGrant,
}

/// <summary>What an object is known by. <see cref="Namespace"/> is empty for cluster-scoped kinds.</summary>
internal readonly record struct ObjectKey(ObjectKind Kind, string Namespace, string Name)
{
    public override string ToString() => Namespace.Length == 0 ? $"{Kind} {Name}" : $"{Kind} {Namespace}/{Name}";
}

/// <summary>A namespaced name whose kind is clear from where it stands.</summary>
internal readonly record struct NamespacedName(string Namespace, string Name) : IComparable<NamespacedName>
{
    public int CompareTo(NamespacedName other)
    {
        int byNamespace = string.CompareOrdinal(Namespace, other.Namespace);
        return byNamespace != 0 ? byNamespace : string.CompareOrdinal(Name, other.Name);
    }

    public override string ToString() => $"{Namespace}/{Name}";
}
