using System.Net;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Tests.Mesh;

public sealed class DestinationTableTests
{
    private static readonly Destination A = Named("a");
    private static readonly Destination B = Named("b");
    private static readonly Destination C = Named("c");

    [Theory]
    [InlineData("10.1.2.3:80", "a")]
    [InlineData("[::ffff:10.1.2.3]:80", "a")]
    [InlineData("10.1.2.3:81", "b")]
    [InlineData("10.1.2.4:80", "b")]
    [InlineData("10.1.3.1:80", null)]
    [InlineData("[fd00::1]:80", "c")]
    [InlineData("[fd01::1]:80", null)]
    public void The_longest_prefix_that_knows_the_port_wins(string original, string? name)
    {
        var table = new DestinationTable(
        [
            (IPNetwork.Parse("10.1.2.0/24"), new PortDestinations(new Dictionary<int, Destination>(), B)),
            (IPNetwork.Parse("10.1.2.3/32"), new PortDestinations(new Dictionary<int, Destination> { [80] = A }, null)),
            (IPNetwork.Parse("fd00::/16"), new PortDestinations(new Dictionary<int, Destination> { [80] = C }, null)),
        ]);
        Assert.Equal(name, table.Find(IPEndPoint.Parse(original))?.Http?.Name);
    }

    [Fact]
    public void A_range_of_all_ipv6_holds_no_ipv4_and_the_other_way_round()
    {
        var ports = new PortDestinations(new Dictionary<int, Destination>(), A);
        Assert.Null(new DestinationTable([(IPNetwork.Parse("::/0"), ports)]).Find(IPEndPoint.Parse("10.0.0.1:1")));
        Assert.Null(new DestinationTable([(IPNetwork.Parse("0.0.0.0/0"), ports)]).Find(IPEndPoint.Parse("[fd00::1]:1")));
        Assert.Same(A, new DestinationTable([(IPNetwork.Parse("0.0.0.0/0"), ports)]).Find(IPEndPoint.Parse("10.0.0.1:1")));
        Assert.Same(A, new DestinationTable([(IPNetwork.Parse("::/0"), ports)]).Find(IPEndPoint.Parse("[fd00::1]:1")));
    }

    [Fact]
    public void What_no_range_holds_goes_to_the_rest_where_there_is_one()
    {
        var table = new DestinationTable([], new PortDestinations(new Dictionary<int, Destination> { [80] = A }, B));
        Assert.Same(A, table.Find(IPEndPoint.Parse("10.0.0.1:80")));
        Assert.Same(B, table.Find(IPEndPoint.Parse("10.0.0.1:81")));
    }

    [Fact]
    public void A_snapshot_of_single_addresses_finds_each_and_nothing_else()
    {
        var snapshot = new MeshSnapshot(
        [
            KeyValuePair.Create(IPEndPoint.Parse("10.0.0.1:80"), A),
            KeyValuePair.Create(IPEndPoint.Parse("10.0.0.1:81"), B),
            KeyValuePair.Create(IPEndPoint.Parse("[fd00::1]:80"), C),
        ]);
        Assert.Same(A, snapshot.FindDestination(IPEndPoint.Parse("10.0.0.1:80")));
        Assert.Same(B, snapshot.FindDestination(IPEndPoint.Parse("[::ffff:10.0.0.1]:81")));
        Assert.Same(C, snapshot.FindDestination(IPEndPoint.Parse("[fd00::1]:80")));
        Assert.Null(snapshot.FindDestination(IPEndPoint.Parse("10.0.0.1:82")));
        Assert.Null(snapshot.FindDestination(IPEndPoint.Parse("10.0.0.2:80")));
    }

    [Fact]
    public void Finding_a_destination_allocates_nothing()
    {
        var snapshot = new MeshSnapshot([KeyValuePair.Create(IPEndPoint.Parse("10.0.0.1:80"), A)]);
        var original = IPEndPoint.Parse("[::ffff:10.0.0.1]:80");
        snapshot.FindDestination(original);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            snapshot.FindDestination(original);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static Destination Named(string name) => new(new HttpChain { Name = name, Routes = RouteTable.Empty }, null);
}
