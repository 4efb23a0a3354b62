using System.Collections.Immutable;

namespace Waypoint.GatewayApi.Model;

internal enum SelectorOperator
{
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

internal sealed record SelectorExpression(string Key, SelectorOperator Operator, ImmutableArray<string> Values);

/// <summary>A metav1.LabelSelector: every label and every expression must hold; an empty one matches everything.</summary>
internal sealed record LabelSelector(
    ImmutableSortedDictionary<string, string> MatchLabels,
    ImmutableArray<SelectorExpression> MatchExpressions)
{
    public bool Matches(ImmutableSortedDictionary<string, string> labels) =>
        Contains(labels, MatchLabels) && MatchExpressions.All(expression => Holds(expression, labels));

    /// <summary>Whether <paramref name="labels"/> has every pair of <paramref name="wanted"/>.</summary>
    public static bool Contains(
        ImmutableSortedDictionary<string, string> labels,
        ImmutableSortedDictionary<string, string> wanted)
    {
        foreach ((string key, string value) in wanted)
        {
            if (!labels.TryGetValue(key, out string? found) || found != value)
            {
                return false;
            }
        }

        return true;
    }

    private static bool Holds(SelectorExpression expression, ImmutableSortedDictionary<string, string> labels)
    {
        bool present = labels.TryGetValue(expression.Key, out string? value);
        return expression.Operator switch
        {
            SelectorOperator.In => present && expression.Values.Contains(value!),
            SelectorOperator.NotIn => !present || !expression.Values.Contains(value!),
            SelectorOperator.Exists => present,
            _ => !present,
        };
    }
}
