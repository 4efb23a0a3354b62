using Waypoint.GatewayApi.Inventory;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Translation;

namespace Waypoint.GatewayApi.Validation;

/// <summary>To which ports of a Service a route's parentRef attaches it; with none, why not.</summary>
internal readonly record struct Attachment(IReadOnlyList<ServicePort> Ports, string Reason, string Message)
{
    public bool Accepted => Ports.Count > 0;
}

internal sealed class RouteAttachment(ObjectInventory inventory)
{
    public Attachment Attach(Route route, ParentRef parent)
    {
        Service? service = inventory.Service(parent.Id);
        if (service is null)
        {
            return Refuse("NoMatchingParent", $"Service {parent.Id} does not exist");
        }

        if (service.ExternalName || service.Headless)
        {
            return Refuse("NoMatchingParent", $"Service {parent.Id} has no cluster IP to attach a route to");
        }

        if (route.Namespace != service.Namespace)
        {
            // GEP-1294: a consumer route concerns the clients of its own namespace only. istiod's listeners cannot tell clients apart by
            // namespace, so applying it would apply it to everyone.
            return Refuse(
                "UnsupportedValue",
                $"a route of another namespace than its Service (a consumer route) is not supported; it applies to nobody rather than to clients outside {route.Namespace}");
        }

        List<ServicePort> named = [.. service.Ports.Where(port => Names(parent, port))];
        if (named.Count == 0)
        {
            string wanted = parent.Port is { } number ? $"port {number}" : $"port named \"{parent.SectionName}\"";
            return Refuse("NoMatchingParent", $"Service {parent.Id} has no {wanted}");
        }

        bool tcp = route is TcpRoute;
        List<ServicePort> suitable = [.. named.Where(port => tcp ? PortProtocols.Of(port).MayBeTcp() : PortProtocols.Of(port).MayBeHttp())];
        return suitable.Count > 0
            ? new Attachment(suitable, "Accepted", "")
            : Refuse("NoMatchingParent", $"no port of Service {parent.Id} that the route names carries {(tcp ? "TCP" : "HTTP")}, by its appProtocol or name");
    }

    /// <summary>The routes of a kind that attach to a service's port, the first to count first.</summary>
    public List<T> RoutesOf<T>(Service service, ServicePort port)
        where T : Route
    {
        List<T> routes = [];
        foreach (ObjectKey key in inventory.RoutesByParent(service.Id))
        {
            if (inventory.Route(key) is T route && route.ParentRefs.Any(parent =>
                    parent.IsService && parent.Id == service.Id && Names(parent, port) && Attach(route, parent) is { Accepted: true } attachment &&
                    attachment.Ports.Any(attached => attached.Port == port.Port)))
            {
                routes.Add(route);
            }
        }

        routes.Sort(Route.CompareAge);
        return routes;
    }

    private static bool Names(ParentRef parent, ServicePort port) =>
        port.Protocol == TransportProtocol.Tcp &&
        (parent.Port is null || parent.Port == port.Port) &&
        (parent.SectionName is null || parent.SectionName == port.Name);

    private static Attachment Refuse(string reason, string message) => new([], reason, message);
}
