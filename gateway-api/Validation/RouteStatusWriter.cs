using System.Collections.Immutable;
using Waypoint.GatewayApi.Inventory;
using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Validation;

/// <summary>A route's conditions, one set for each parent that is ours to speak for.</summary>
internal sealed class RouteStatusWriter(
    ObjectInventory inventory,
    WaypointBinding binding,
    RouteAttachment attachment,
    BackendResolver backends)
{
    public RouteStatus Write(Route route)
    {
        Condition resolved = ResolvedRefs(route);
        return new RouteStatus(
            route.Key,
            route.Location,
            [.. route.ParentRefs.Where(IsOurs).Select(parent => new ParentStatus(parent, Conditions(route, parent, resolved)))]);
    }

    private ImmutableArray<Condition> Conditions(Route route, ParentRef parent, Condition resolved)
    {
        if (!parent.IsService)
        {
            return [Condition.NotAccepted("NoMatchingParent", $"{parent.Id} is a waypoint; in a mesh a route attaches to a Service"), resolved];
        }

        Attachment attached = attachment.Attach(route, parent);
        if (!attached.Accepted)
        {
            return [Condition.NotAccepted(attached.Reason, attached.Message), resolved];
        }

        List<Condition> conditions = [Condition.Accepted, resolved];
        if (route is RequestRoute requests)
        {
            AddUnsupported(requests, conditions);
        }
        else if (route is TcpRoute tcp)
        {
            AddTcpConflict(tcp, parent, attached, conditions);
        }

        if (inventory.Service(parent.Id) is { } service && binding.Of(service) is null)
        {
            conditions.Add(new Condition(
                "ResolvedWaypoints", false, "NoWaypoint", binding.Problem(service) ?? $"Service {service.Id} is behind no waypoint, so nothing applies the route"));
        }

        return [.. conditions];
    }

    private static void AddUnsupported(RequestRoute route, List<Condition> conditions)
    {
        List<string> dropped = [];
        List<string> reduced = [];
        for (int index = 0; index < route.Rules.Length; index++)
        {
            RouteRule rule = route.Rules[index];
            string name = rule.Name is { } given ? $"rule \"{given}\"" : $"rule {index}";
            if (RuleSupport.Problem(rule) is { } problem)
            {
                dropped.Add($"{name} answers 500: {problem}");
            }
            else if (rule.SessionPersistence)
            {
                reduced.Add($"{name}: sessionPersistence is not supported; its requests are balanced freely");
            }
        }

        if (dropped.Count == route.Rules.Length)
        {
            conditions[0] = Condition.NotAccepted("UnsupportedValue", string.Join("; ", dropped));
        }
        else if (dropped.Count > 0)
        {
            conditions.Add(new Condition("PartiallyInvalid", true, "UnsupportedValue", $"Dropped Rule: {string.Join("; ", dropped.Concat(reduced))}"));
        }
        else if (reduced.Count > 0)
        {
            conditions.Add(new Condition("PartiallyInvalid", true, "UnsupportedValue", $"Fall Back: {string.Join("; ", reduced)}"));
        }
    }

    private void AddTcpConflict(TcpRoute route, ParentRef parent, Attachment attached, List<Condition> conditions)
    {
        Service service = inventory.Service(parent.Id)!;
        List<string> lost = [];
        foreach (ServicePort port in attached.Ports)
        {
            TcpRoute first = attachment.RoutesOf<TcpRoute>(service, port)[0];
            if (first.Key != route.Key)
            {
                lost.Add($"port {port.Port} is taken by the older TCPRoute {first.Id}");
            }
        }

        if (lost.Count == attached.Ports.Count)
        {
            conditions[0] = Condition.NotAccepted("Conflicted", string.Join("; ", lost));
        }
        else if (lost.Count > 0)
        {
            conditions.Add(new Condition("PartiallyInvalid", true, "Conflicted", string.Join("; ", lost)));
        }
    }

    private Condition ResolvedRefs(Route route)
    {
        foreach (BackendRef backend in route.BackendRefs)
        {
            ResolvedBackend resolved = backends.Resolve(route, backend);
            if (resolved.Problem != BackendProblem.None)
            {
                return new Condition("ResolvedRefs", false, resolved.Problem.ToString(), resolved.Message);
            }
        }

        return Condition.ResolvedRefs;
    }

    /// <summary>A Gateway of another class has its own controller; what that one says is not ours to write.</summary>
    private bool IsOurs(ParentRef parent) =>
        parent.IsService || (parent is { Group: WellKnown.GatewayGroup, Kind: "Gateway" } && inventory.Gateway(parent.Id) is null or { IsWaypoint: true });
}
