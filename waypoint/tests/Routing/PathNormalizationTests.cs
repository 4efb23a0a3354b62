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
    [InlineData("/%41", "/%41")]
    [InlineData("*", "*")]
    [InlineData("", "")]
    public void Dot_segments_go_and_the_rest_stays(string path, string normal) =>
        Assert.Equal(normal, PathNormalization.Normalize(path).ToString());

    [Fact]
    public void A_path_in_normal_form_is_not_copied()
    {
        const string Path = "/a/b/c.html";
        Assert.True(PathNormalization.Normalize(Path).Overlaps(Path));
    }
}
