using System.Collections.Immutable;

namespace Waypoint.Proxy.Filters.Rbac;

internal enum AccessAction
{
    /// <summary>Who matches a policy may pass; nobody else.</summary>
    Allow,

    /// <summary>Who matches a policy may not pass; everybody else may.</summary>
    Deny,

    /// <summary>Everybody may pass; whether a policy matched is told to the access log.</summary>
    Log,
}

/// <param name="Name">istiod's, such as <c>ns[shop]-policy[viewers]-rule[0]</c>.</param>
/// <param name="Permissions">What is done.</param>
/// <param name="Principals">Who does it.</param>
internal sealed record AccessPolicy(string Name, AccessCondition Permissions, AccessCondition Principals);

/// <param name="Allowed">Whether the request may pass.</param>
/// <param name="Policy">The policy that matched; null when none did.</param>
internal readonly record struct AccessVerdict(bool Allowed, string? Policy);

/// <summary>An action and the policies that it is taken for, in Envoy's order: that of their names.</summary>
internal sealed class AccessRules(AccessAction action, IReadOnlyCollection<AccessPolicy> policies)
{
    private readonly ImmutableArray<AccessPolicy> _policies = [.. policies.OrderBy(policy => policy.Name, StringComparer.Ordinal)];

    public AccessAction Action { get; } = action;

    /// <summary>A policy looks at the server that the client's TLS asks for.</summary>
    public bool NeedsServerName { get; } = policies.Any(policy => policy.Permissions.NeedsServerName || policy.Principals.NeedsServerName);

    public AccessVerdict Judge(in AccessRequest request)
    {
        foreach (var policy in _policies)
        {
            if (policy.Permissions.Matches(request) && policy.Principals.Matches(request))
            {
                return new AccessVerdict(Action != AccessAction.Deny, policy.Name);
            }
        }

        return new AccessVerdict(Action != AccessAction.Allow, null);
    }
}
