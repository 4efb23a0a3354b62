using System.Net;
using Waypoint.Proxy.Mesh;

namespace Waypoint.Proxy.Tests.Mesh;

public sealed class WorkloadDirectoryTests
{
    private readonly WorkloadDirectory _directory = new();

    [Fact]
    public void A_workload_is_found_by_each_of_its_addresses_in_every_spelling()
    {
        var workload = Workload("a", "10.0.0.1", "fd00::1");
        _directory.Upsert(workload);
        Assert.Same(workload, _directory.Find(IPAddress.Parse("10.0.0.1")));
        Assert.Same(workload, _directory.Find(IPAddress.Parse("::ffff:10.0.0.1")));
        Assert.Same(workload, _directory.Find(IPAddress.Parse("fd00::1")));
        Assert.Null(_directory.Find(IPAddress.Parse("10.0.0.2")));
    }

    [Fact]
    public void A_workload_that_changes_gives_up_the_addresses_that_it_lost()
    {
        _directory.Upsert(Workload("a", "10.0.0.1", "10.0.0.2"));
        var after = Workload("a", "10.0.0.2", "10.0.0.3");
        _directory.Upsert(after);
        Assert.Null(_directory.Find(IPAddress.Parse("10.0.0.1")));
        Assert.Same(after, _directory.Find(IPAddress.Parse("10.0.0.2")));
        Assert.Same(after, _directory.Find(IPAddress.Parse("10.0.0.3")));
        Assert.Equal(1, _directory.Count);
    }

    [Fact]
    public void An_address_that_went_to_a_new_workload_stays_with_it_when_the_old_one_goes()
    {
        _directory.Upsert(Workload("old", "10.0.0.1"));
        var young = Workload("young", "10.0.0.1");
        _directory.Upsert(young);
        _directory.Remove("old");
        Assert.Same(young, _directory.Find(IPAddress.Parse("10.0.0.1")));

        _directory.Remove("young");
        Assert.Null(_directory.Find(IPAddress.Parse("10.0.0.1")));
        Assert.Equal(0, _directory.Count);
    }

    [Fact]
    public void Removing_what_was_never_there_changes_nothing()
    {
        _directory.Upsert(Workload("a", "10.0.0.1"));
        _directory.Remove("b");
        Assert.Equal(1, _directory.Count);
    }

    [Fact]
    public void An_identity_is_a_spiffe_uri() =>
        Assert.Equal("spiffe://cluster.local/ns/shop/sa/cart", Workload("a").Principal);

    private static Workload Workload(string uid, params string[] addresses) => new()
    {
        Uid = uid,
        Addresses = [.. addresses.Select(IPAddress.Parse)],
        Namespace = "shop",
        ServiceAccount = "cart",
    };
}
