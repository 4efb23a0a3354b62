using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using Waypoint.Proxy.Telemetry.Expressions;
using Waypoint.Proxy.Telemetry.Formatting;
using Label = System.Collections.Generic.KeyValuePair<string, object?>;

namespace Waypoint.Proxy.Telemetry.Stats;

/// <summary>One change to the labels of a metric: labels that go, labels that get another value, or no measurement at all. Immutable.</summary>
internal sealed class LabelRule
{
    // Label sets are made once for each series; of those that only lose labels the outcome is remembered with them.
    private readonly ConditionalWeakTable<Label[], Label[]> _reduced = [];
    private readonly FrozenSet<string> _removed;

    /// <param name="removed">Labels that go.</param>
    public LabelRule(IEnumerable<string> removed) => _removed = removed.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Nothing is measured.</summary>
    public bool Drop { get; init; }

    /// <summary>The rule is for what this holds for; null for all.</summary>
    public CelExpression? Match { get; init; }

    /// <summary>Labels and their values, sorted by name.</summary>
    public (string Name, CelExpression Value)[] Dimensions { get; init; } = [];

    /// <returns>The labels to measure with; null when there is to be no measurement.</returns>
    public Label[]? Apply(Label[] labels, StreamInfo stream)
    {
        if (Match is not null && !Match.Evaluate(stream).IsTrue)
        {
            return labels;
        }

        if (Drop)
        {
            return null;
        }

        var kept = _removed.Count == 0 ? labels : _reduced.GetValue(labels, all => [.. all.Where(label => !_removed.Contains(label.Key))]);
        if (Dimensions.Length == 0)
        {
            return kept;
        }

        var changed = new List<Label>(kept.Length + Dimensions.Length);
        changed.AddRange(kept);
        foreach (var (name, value) in Dimensions)
        {
            // Istio's word for what has no value.
            var label = new Label(name, value.Evaluate(stream).ToText() is { Length: > 0 } text ? text : "unknown");
            var at = changed.FindIndex(other => other.Key == name);
            if (at >= 0)
            {
                changed[at] = label;
            }
            else
            {
                changed.Add(label);
            }
        }

        return [.. changed];
    }
}
