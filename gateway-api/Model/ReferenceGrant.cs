using System.Collections.Immutable;

namespace Waypoint.GatewayApi.Model;

internal sealed record GrantFrom(string Group, string Kind, string Namespace);

internal sealed record GrantTo(string Group, string Kind, string? Name);

/// <summary>Lets objects of other namespaces refer into its own.</summary>
internal sealed record ReferenceGrant(ObjectHeader Header, ImmutableArray<GrantFrom> From, ImmutableArray<GrantTo> To)
    : KubernetesObject(ObjectKind.ReferenceGrant, Header)
{
    public bool Allows(string fromKind, string fromNamespace, string toService)
    {
        foreach (GrantFrom from in From)
        {
            if (from.Group != WellKnown.GatewayGroup || from.Kind != fromKind || from.Namespace != fromNamespace)
            {
                continue;
            }

            foreach (GrantTo to in To)
            {
                if (to.Group.Length == 0 && to.Kind == "Service" && (to.Name is null || to.Name == toService))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
