using Waypoint.GatewayApi.Inventory;
using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Validation;

/// <summary>Reasons of the condition ResolvedRefs, by the API's names.</summary>
internal enum BackendProblem
{
    None,
    InvalidKind,
    RefNotPermitted,
    BackendNotFound,
}

/// <summary>What a reference leads to; the port is null whenever there is a problem.</summary>
internal readonly record struct ResolvedBackend(Service? Service, ServicePort? Port, BackendProblem Problem, string Message);

internal sealed class BackendResolver(ObjectInventory inventory)
{
    public ResolvedBackend Resolve(Route route, BackendRef backend)
    {
        if (!backend.IsService)
        {
            string group = backend.Group.Length == 0 ? "core" : backend.Group;
            return Fail(BackendProblem.InvalidKind, $"{backend.Field}: kind {backend.Kind} of group {group} cannot be a backend");
        }

        if (backend.Namespace != route.Namespace && !inventory.Granted(route.Kind.ToString(), route.Namespace, backend.Id))
        {
            return Fail(
                BackendProblem.RefNotPermitted,
                $"{backend.Field}: no ReferenceGrant in namespace {backend.Namespace} lets a {route.Kind} of namespace {route.Namespace} use Service {backend.Name}");
        }

        Service? service = inventory.Service(backend.Id);
        if (service is null || service.ExternalName)
        {
            string reason = service is null ? "does not exist" : "is an ExternalName, which has no endpoints";
            return Fail(BackendProblem.BackendNotFound, $"{backend.Field}: Service {backend.Id} {reason}");
        }

        return service.Port(backend.Port ?? 0) is { } port
            ? new ResolvedBackend(service, port, BackendProblem.None, "")
            : Fail(BackendProblem.BackendNotFound, $"{backend.Field}: Service {backend.Id} has no TCP port {backend.Port}");
    }

    private static ResolvedBackend Fail(BackendProblem problem, string message) => new(null, null, problem, message);
}
