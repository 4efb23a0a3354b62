using Microsoft.Extensions.Primitives;
using Waypoint.Proxy.Filters.Rbac;

namespace Waypoint.Proxy.Tests.Filters.Rbac;

public sealed class ForwardedForTests
{
    [Theory]
    [InlineData("203.0.113.1", 0, "203.0.113.1")]
    [InlineData("203.0.113.1, 203.0.113.2", 0, "203.0.113.2")]
    [InlineData("203.0.113.1, 203.0.113.2", 1, "203.0.113.1")]
    [InlineData("203.0.113.1|203.0.113.2 ,203.0.113.3", 2, "203.0.113.1")]
    [InlineData("203.0.113.1, 203.0.113.2", 2, null)]
    [InlineData("203.0.113.1, 203.0.113.2", -1, null)]
    [InlineData("2001:db8::1", 0, "2001:db8::1")]
    [InlineData("[2001:db8::1]:80", 0, null)]
    [InlineData("203.0.113.1:80", 0, null)]
    [InlineData("0203.0.113.1", 0, null)]
    [InlineData("203.0.113", 0, null)]
    [InlineData("1", 0, null)]
    [InlineData("unknown", 0, null)]
    [InlineData("203.0.113.1,", 0, null)]
    [InlineData("", 0, null)]
    public void The_last_address_before_the_trusted_ones_is_the_client(string lines, int trustedHops, string? client) =>
        Assert.Equal(client, ForwardedFor.Read(new StringValues(lines.Split('|')), trustedHops)?.ToString());

    [Fact]
    public void Without_the_header_there_is_no_client() => Assert.Null(ForwardedFor.Read(default, 0));
}
