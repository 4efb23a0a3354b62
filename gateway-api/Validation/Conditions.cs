using System.Collections.Immutable;
using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Validation;

/// <summary>A metav1.Condition without its times.</summary>
internal sealed record Condition(string Type, bool Status, string Reason, string Message)
{
    public static Condition Accepted { get; } = new("Accepted", true, "Accepted", "the route is in force");

    public static Condition ResolvedRefs { get; } = new("ResolvedRefs", true, "ResolvedRefs", "every reference leads somewhere");

    public static Condition NotAccepted(string reason, string message) => new("Accepted", false, reason, message);
}

/// <summary>What is to be said about a route at one of its parents.</summary>
internal sealed record ParentStatus(ParentRef Parent, ImmutableArray<Condition> Conditions)
{
    public Condition? Condition(string type) => Conditions.FirstOrDefault(condition => condition.Type == type);
}

internal sealed record RouteStatus(ObjectKey Route, SourceLocation Location, ImmutableArray<ParentStatus> Parents);
