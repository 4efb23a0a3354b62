using Waypoint.NodeAgent.ClusterServices;
using Waypoint.NodeAgent.Kubernetes.Model;
using Waypoint.NodeAgent.Workloads;
using Service = Waypoint.NodeAgent.Kubernetes.Model.Service;
using static Waypoint.NodeAgent.Tests.ClusterServices.ServiceTranslatorTests;

namespace Waypoint.NodeAgent.Tests.ClusterServices;

public sealed class ServiceInventoryTests
{
    private readonly ServiceInventory _inventory = new(new Node("node-1", ReplacesKubeProxy: true));

    [Fact]
    public void Nothing_is_told_before_services_and_endpoints_have_both_been_listed()
    {
        _inventory.Replace([Make("10.96.0.1")]);
        Assert.Null(_inventory.TakeChanges());
        Assert.False(_inventory.Listed.IsCompleted);

        _inventory.Replace([Slice("IPv4", [("http", 8080)], Ready("10.0.0.1"))]);
        Assert.Equal(["shop/echo: 10.0.0.1"], Changes());
        Assert.Empty(Changes());
    }

    [Fact]
    public void Endpoints_may_come_before_their_service_and_outlive_it()
    {
        Start();
        _inventory.Put(Slice("IPv4", [("http", 8080)], Ready("10.0.0.1")));
        Assert.Equal(["shop/echo: gone"], Changes());

        _inventory.Put(Make("10.96.0.1"));
        Assert.Equal(["shop/echo: 10.0.0.1"], Changes());
        _inventory.Remove(Make("10.96.0.1"));
        Assert.Equal(["shop/echo: gone"], Changes());
        _inventory.Put(Make("10.96.0.1"));
        Assert.Equal(["shop/echo: 10.0.0.1"], Changes());

        _inventory.Remove(Slice("IPv4", []));
        Assert.Equal(["shop/echo: "], Changes());
    }

    [Fact]
    public void Endpoints_that_change_their_service_leave_the_first()
    {
        Start();
        Service other = Make("10.96.0.2") with { Metadata = new ObjectMeta { Name = "other", Namespace = "shop" } };
        EndpointSlice slice = Slice("IPv4", [("http", 8080)], Ready("10.0.0.1"));
        _inventory.Put(Make("10.96.0.1"));
        _inventory.Put(other);
        _inventory.Put(slice);
        Changes();

        _inventory.Put(slice with
        {
            Metadata = slice.Metadata with { Labels = new Dictionary<string, string> { [EndpointSlice.ServiceName] = "other" } },
        });

        Assert.Equal(["shop/echo: ", "shop/other: 10.0.0.1"], Changes());
    }

    [Fact]
    public void A_new_list_tells_of_what_is_gone_from_it()
    {
        Start();
        _inventory.Put(Make("10.96.0.1"));
        _inventory.Put(Slice("IPv4", [("http", 8080)], Ready("10.0.0.1")));
        Changes();

        _inventory.Replace(Array.Empty<EndpointSlice>());
        Assert.Equal(["shop/echo: "], Changes());
        _inventory.Replace(Array.Empty<Service>());
        Assert.Equal(["shop/echo: gone"], Changes());
    }

    private void Start()
    {
        _inventory.Replace(Array.Empty<Service>());
        _inventory.Replace(Array.Empty<EndpointSlice>());
        Assert.Empty(Changes());
    }

    private string[] Changes() => _inventory.TakeChanges()!
        .OrderBy(change => change.Key, StringComparer.Ordinal)
        .Select(change => $"{change.Key}: {(change.Value.Service is { } service
            ? string.Join(' ', service.Ports.SelectMany(port => port.Endpoints).Select(endpoint => endpoint.Address.ToString()))
            : "gone")}")
        .ToArray();
}
