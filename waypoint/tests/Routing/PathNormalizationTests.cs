using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Tests.Routing;

public sealed class PathNormalizationTests
{
    [Theory]
    [InlineData("/", "/")]
    [InlineData("/a/b", "/a/b")]
    [InlineData("/a//b", "/a//b")]
    [InlineData("/a/./b", "/a/b")]
    [InlineData("/a/../b", "/b")]
    [InlineData("/a/b/..", "/a/")]
    [InlineData("/a/b/../", "/a/")]
    [InlineData("/a/.", "/a/")]
    [InlineData("/..", "/")]
    [InlineData("/../../a", "/a")]
    [InlineData("/.", "/")]
    [InlineData("/a/%2e%2E/b", "/b")]
    [InlineData("/a/.%2e/b", "/b")]
    [InlineData("/a%2Fb", "/a%2Fb")]
    [InlineData("/a%2f..%2fb", "/a%2f..%2fb")]
    [InlineData("/a\\b", "/a/b")]
    [InlineData("/.a/..b/...", "/.a/..b/...")]
    [InlineData("/%41%7e%2D%5f", "/A~-_")]
    [InlineData("/%61dmin/%2e%2e/x", "/x")]
    [InlineData("/%25%34%31", "/%2541")]
    [InlineData("/%2561", "/%2561")]
    [InlineData("/a%5C..%5cb", "/a%5C..%5cb")]
    [InlineData("/%", "/%")]
    [InlineData("/%4", "/%4")]
    [InlineData("/%zz/./a", "/%zz/a")]
    [InlineData("//../a", "/a")]
    [InlineData("/a//../b", "/a/b")]
    [InlineData("*", "*")]
    [InlineData("", "")]
    public void A_path_takes_the_normal_form_that_envoy_gives_it(string path, string normal) =>
        Assert.Equal(normal, PathNormalization.Normalize(path).ToString());

    [Fact]
    public void A_path_in_normal_form_is_not_copied()
    {
        const string Path = "/a/b%2F/c.html";
        Assert.True(PathNormalization.Normalize(Path).Overlaps(Path));
    }
}
