using Envoy.Config.Rbac.V3;
using Waypoint.Proxy.Filters.Rbac;

namespace Waypoint.Proxy.Xds.Translation.Filters.Rbac;

/// <summary>An action and its policies.</summary>
internal static class AccessRulesTranslator
{
    /// <param name="rules">Null for none.</param>
    /// <param name="hasRequest">Whether there is an HTTP request to look at.</param>
    /// <param name="scope">Where errors and findings go.</param>
    /// <exception cref="ResourceException">A condition cannot be read.</exception>
    public static AccessRules? Translate(RBAC? rules, bool hasRequest, TranslationScope scope)
    {
        if (rules is null)
        {
            return null;
        }

        var action = rules.Action switch
        {
            RBAC.Types.Action.Allow => AccessAction.Allow,
            RBAC.Types.Action.Deny => AccessAction.Deny,
            RBAC.Types.Action.Log => AccessAction.Log,
            _ => throw scope.Invalid("action", $"{rules.Action} is not known"),
        };
        scope.UnsupportedIf(rules.AuditLoggingOptions is not null, "RBAC audit_logging_options");
        var conditions = new ConditionTranslator(hasRequest, unknown: action == AccessAction.Deny, scope);
        return new AccessRules(action, rules.Policies.Select(policy => Policy(policy.Key, policy.Value, conditions, scope)).ToArray());
    }

    private static AccessPolicy Policy(string name, Policy policy, ConditionTranslator conditions, TranslationScope scope)
    {
        using var part = scope.Enter($"policy '{name}'");
        var permissions = conditions.AnyOf(policy.Permissions);
        var principals = conditions.AnyOf(policy.Principals);
        return policy.Condition is null && policy.CheckedCondition is null
            ? new AccessPolicy(name, permissions, principals)
            : new AccessPolicy(name, permissions, new AllOf([principals, conditions.Unknown("condition")]));
    }
}
