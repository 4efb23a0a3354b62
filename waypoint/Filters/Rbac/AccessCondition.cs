using System.Collections.Immutable;

namespace Waypoint.Proxy.Filters.Rbac;

/// <summary>One condition of a rule. Compiled from the configuration once; asking it allocates nothing but where it says so.</summary>
internal abstract class AccessCondition
{
    public abstract bool Matches(in AccessRequest request);

    /// <summary>It, or a condition within it, looks at <see cref="AccessRequest.ServerName"/>.</summary>
    public virtual bool NeedsServerName => false;
}

/// <summary>The same answer to everybody.</summary>
internal sealed class Always(bool answer) : AccessCondition
{
    public override bool Matches(in AccessRequest request) => answer;
}

internal sealed class Not(AccessCondition condition) : AccessCondition
{
    public override bool NeedsServerName => condition.NeedsServerName;

    public override bool Matches(in AccessRequest request) => !condition.Matches(request);
}

internal sealed class AllOf(ImmutableArray<AccessCondition> conditions) : AccessCondition
{
    public override bool NeedsServerName => conditions.Any(condition => condition.NeedsServerName);

    public override bool Matches(in AccessRequest request)
    {
        foreach (var condition in conditions)
        {
            if (!condition.Matches(request))
            {
                return false;
            }
        }

        return true;
    }
}

internal sealed class AnyOf(ImmutableArray<AccessCondition> conditions) : AccessCondition
{
    public override bool NeedsServerName => conditions.Any(condition => condition.NeedsServerName);

    public override bool Matches(in AccessRequest request)
    {
        foreach (var condition in conditions)
        {
            if (condition.Matches(request))
            {
                return true;
            }
        }

        return false;
    }
}
