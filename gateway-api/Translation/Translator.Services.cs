using Envoy.Config.Cluster.V3;
using Google.Protobuf;
using Waypoint.GatewayApi.Model;
using Waypoint.Xds.Delta;
using Waypoint.Xds.Delta.Server;

namespace Waypoint.GatewayApi.Translation;

/// <summary>The part of the translator that deals with services: their clusters, endpoints and chains.</summary>
internal sealed partial class Translator
{
    private void UpdateService(NamespacedName id)
    {
        Service? service = _inventory.Service(id) is { ExternalName: false } usable ? usable : null;
        NamespacedName? waypoint = service is null ? null : _binding.Of(service);
        Rebind(_boundServices, id, waypoint, state => Release(state, id));
        string name = ResourceNames.Address(id, _mesh);
        if (service is null)
        {
            _changes.Remove(Scopes.Mesh, ResourceTypes.Address, name);
        }
        else
        {
            Counts.Services++;
            _changes.Set(Scopes.Mesh, ServedResource.Create(name, new Istio.Workload.Address { Service = _services.Translate(service) }));
        }

        if (service is not null && waypoint is { } bound)
        {
            Bind(State(bound), service);
        }

        foreach (WaypointState other in _waypoints.Values)
        {
            if (other.OutsideServices.TryGetValue(id, out OutsideService? outside))
            {
                SetOutsideClusters(other, id, outside);
            }
        }

        if (_inventory.Gateway(id) is { IsWaypoint: true })
        {
            // A waypoint that nothing is bound to yet is served an empty listener, not silence: it becomes ready.
            State(id);
        }
    }

    private void UpdateChain(NamespacedName id, int number)
    {
        if (!_boundServices.TryGetValue(id, out NamespacedName gateway) || _inventory.Service(id) is not { } service || service.Port(number) is not { } port)
        {
            return;
        }

        WaypointState waypoint = _waypoints[gateway];
        BoundService bound = waypoint.Services[id];
        int index = bound.Ports.FindIndex(candidate => candidate.Port.Port == number);
        if (index >= 0)
        {
            PortChains old = bound.Ports[index].Chains;
            PortChains now = TranslateChains(waypoint, service, port);
            bound.Ports[index] = (port, now);
            waypoint.ListenerStale = true;
            CountOutside(waypoint, now, 1);
            CountOutside(waypoint, old, -1);
        }
    }

    private void UpdateEndpoints(NamespacedName id)
    {
        if (_inventory.Service(id) is not { } service)
        {
            return;
        }

        string hostname = ResourceNames.Hostname(id, _mesh);
        if (_boundServices.TryGetValue(id, out NamespacedName gateway))
        {
            foreach (ServicePort port in service.Ports)
            {
                foreach (bool http in Kinds(port))
                {
                    SetEndpoints(_waypoints[gateway].Scope, service, port, ResourceNames.Inbound(port.Port, http, hostname));
                }
            }
        }

        foreach (WaypointState other in _waypoints.Values.Where(state => state.OutsideServices.ContainsKey(id)))
        {
            foreach (ServicePort port in service.Ports.Where(port => port.Protocol == TransportProtocol.Tcp))
            {
                SetEndpoints(other.Scope, service, port, ResourceNames.Outbound(port.Port, hostname));
            }
        }
    }

    private void Bind(WaypointState waypoint, Service service)
    {
        string hostname = ResourceNames.Hostname(service.Id, _mesh);
        BoundService? old = waypoint.Services.GetValueOrDefault(service.Id);
        BoundService bound = new(service.Id)
        {
            Branch = MatcherTranslation.Service(service, hostname)?.ToByteString(),
            AllPorts = [.. service.Ports],
        };
        HashSet<string> clusters = [];
        foreach (ServicePort port in service.Ports.Where(port => port.Protocol == TransportProtocol.Tcp))
        {
            foreach (bool http in Kinds(port))
            {
                Cluster cluster = ClusterTranslation.Inbound(service, port, http, hostname);
                clusters.Add(cluster.Name);
                Counts.Clusters++;
                _changes.Set(waypoint.Scope, ServedResource.Create(cluster.Name, cluster));
                SetEndpoints(waypoint.Scope, service, port, cluster.Name);
            }

            if (bound.Branch is not null)
            {
                PortChains chains = TranslateChains(waypoint, service, port);
                CountOutside(waypoint, chains, 1);
                bound.Ports.Add((port, chains));
            }
        }

        if (old is not null)
        {
            Forget(waypoint, old, clusters);
        }

        waypoint.Services[service.Id] = bound;
        waypoint.ListenerStale = true;
    }

    private void Release(WaypointState waypoint, NamespacedName id)
    {
        if (waypoint.Services.Remove(id, out BoundService? bound))
        {
            Forget(waypoint, bound, []);
            waypoint.ListenerStale = true;
        }
    }

    private void Forget(WaypointState waypoint, BoundService bound, HashSet<string> kept)
    {
        foreach ((_, PortChains chains) in bound.Ports)
        {
            CountOutside(waypoint, chains, -1);
        }

        string hostname = ResourceNames.Hostname(bound.Id, _mesh);
        foreach (ServicePort port in bound.AllPorts)
        {
            foreach (bool http in Kinds(port))
            {
                string name = ResourceNames.Inbound(port.Port, http, hostname);
                if (!kept.Contains(name))
                {
                    RemoveClusters(waypoint, [name]);
                }
            }
        }
    }

    private PortChains TranslateChains(WaypointState waypoint, Service service, ServicePort port)
    {
        ChainContext context = new(service, port, waypoint.Gateway, ResourceNames.Hostname(service.Id, _mesh));
        List<ByteString> chains = [];
        foreach (bool http in Kinds(port))
        {
            Counts.Chains++;
            chains.Add((http ? _chains.Http(context) : _chains.Tcp(context)).ToByteString());
        }

        return new PortChains(chains, context.OutsideServices);
    }

    /// <summary>Counts a port's uses of services outside, and makes or removes their clusters at the first and the last.</summary>
    private void CountOutside(WaypointState waypoint, PortChains chains, int difference)
    {
        foreach (NamespacedName id in chains.OutsideServices)
        {
            if (!waypoint.OutsideServices.TryGetValue(id, out OutsideService? outside))
            {
                waypoint.OutsideServices[id] = outside = new OutsideService();
                SetOutsideClusters(waypoint, id, outside);
            }

            outside.Uses += difference;
            if (outside.Uses == 0)
            {
                waypoint.OutsideServices.Remove(id);
                RemoveClusters(waypoint, outside.Clusters);
            }
        }
    }

    private void SetOutsideClusters(WaypointState waypoint, NamespacedName id, OutsideService outside)
    {
        string hostname = ResourceNames.Hostname(id, _mesh);
        List<string> names = [];
        if (_inventory.Service(id) is { ExternalName: false } service)
        {
            foreach (ServicePort port in service.Ports.Where(port => port.Protocol == TransportProtocol.Tcp))
            {
                Cluster cluster = ClusterTranslation.Outbound(service, port, hostname);
                names.Add(cluster.Name);
                Counts.Clusters++;
                _changes.Set(waypoint.Scope, ServedResource.Create(cluster.Name, cluster));
                SetEndpoints(waypoint.Scope, service, port, cluster.Name);
            }
        }

        RemoveClusters(waypoint, outside.Clusters.Except(names));
        outside.Clusters = names;
    }

    private void RemoveClusters(WaypointState waypoint, IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            _changes.Remove(waypoint.Scope, ResourceTypes.Cluster, name);
            _changes.Remove(waypoint.Scope, ResourceTypes.Endpoints, name);
        }
    }

    private void SetEndpoints(string scope, Service service, ServicePort port, string cluster)
    {
        Counts.Endpoints++;
        _changes.Set(scope, ServedResource.Create(cluster, EndpointTranslation.Translate(cluster, _endpoints.Resolve(service, port), _mesh)));
    }

    /// <summary>The chains and clusters that a port has: one for what is not HTTP, one for HTTP; both where it is undeclared.</summary>
    private static IEnumerable<bool> Kinds(ServicePort port)
    {
        PortProtocol protocol = PortProtocols.Of(port);
        if (protocol.MayBeTcp())
        {
            yield return false;
        }

        if (protocol.MayBeHttp())
        {
            yield return true;
        }
    }
}
