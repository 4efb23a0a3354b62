using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Tests.Routing;

public sealed class RouteTableTests
{
    [Fact]
    public void The_first_route_that_matches_wins_even_when_a_later_one_is_more_specific()
    {
        var table = new RouteTable((Route[])
        [
            Routes.To("wide", new PathPrefix("/a")),
            Routes.To("narrow", new PathExact("/a/b")),
        ]);
        Assert.Equal("wide", table.Find(new Request("/a/b")));
    }

    [Fact]
    public void No_route_that_matches_is_null() =>
        Assert.Null(new RouteTable((Route[])[Routes.To("a", new PathExact("/a"))]).Find(new Request("/b")));

    [Fact]
    public void A_route_whose_other_conditions_fail_gives_way_to_a_shorter_path()
    {
        var table = new RouteTable((Route[])
        [
            Routes.To("exact", new RouteMatch { Path = new PathExact("/a/b"), Headers = [new HeaderPresence("x")] }),
            Routes.To("elements", new RouteMatch { Path = new PathSegmentPrefix("/a"), Headers = [new HeaderPresence("y")] }),
            Routes.To("any", PathMatch.Any),
        ]);
        Assert.Equal("exact", table.Find(new Request("/a/b").With("x", "")));
        Assert.Equal("elements", table.Find(new Request("/a/b").With("y", "")));
        Assert.Equal("any", table.Find(new Request("/a/b")));
    }

    [Theory]
    [InlineData("a.example", "exact")]
    [InlineData("A.Example", "exact")]
    [InlineData("x.a.example", "long suffix")]
    [InlineData("b.example", "suffix")]
    [InlineData("a.other", "prefix")]
    [InlineData("a.example:80", "prefix")]
    [InlineData(".example", "any")]
    [InlineData("nothing", "any")]
    public void The_authority_chooses_the_virtual_host_as_in_envoy(string authority, string expected)
    {
        var table = new RouteTable(
        [
            Host("any", "*"),
            Host("prefix", "a.*"),
            Host("suffix", "*.example"),
            Host("long suffix", "*.a.example"),
            Host("exact", "a.example", "c.example"),
        ]);
        Assert.Equal(expected, table.Find(new Request(Authority: authority)));
    }

    [Fact]
    public void Without_a_virtual_host_for_it_a_request_has_no_route() =>
        Assert.Null(new RouteTable([Host("a", "a.example")]).Find(new Request(Authority: "b.example")));

    [Fact]
    public void A_domain_that_occurs_twice_is_an_error()
    {
        var error = Assert.Throws<ArgumentException>(() => new RouteTable([Host("one", "a.example"), Host("two", "A.example")]));
        Assert.Contains("virtual host 'two': the domain 'A.example' occurs twice", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Matching_allocates_nothing()
    {
        var table = new RouteTable([.. Enumerable.Range(0, 100).Select(i => Routes.To($"{i}", new RouteMatch
        {
            Path = new PathSegmentPrefix($"/svc/{i % 10}"),
            Headers = [new HeaderString("x-tenant", new ExactString($"{i}"))],
            Query = i % 2 == 0 ? [new QueryMatch("q", new StringRegex(Re2Pattern.FullMatch("[a-z]+")))] : [],
        }))]);
        var request = new Request("/svc/8/index.html?q=abc").With("x-tenant", "98");
        Assert.Equal("98", table.Find(request));

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            table.Match(request.Head);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static VirtualHost Host(string name, params string[] domains) => new(name, domains, [Routes.To(name, PathMatch.Any)]);
}
