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
        Assert.Equal(normal, PathNormalization.Normalize(path, PathForm.Normal).ToString());

    [Theory]
    [InlineData("/a//b", "MergedSlashes", "/a/b")]
    [InlineData("//", "MergedSlashes", "/")]
    [InlineData("///a///", "MergedSlashes", "/a/")]
    [InlineData("/a/./%61", "MergedSlashes", "/a/./%61")]
    [InlineData("/a/.//b", "Normal, MergedSlashes", "/a/b")]
    [InlineData("/a%2Fb%5cc", "UnescapedSlashes", @"/a/b\c")]
    [InlineData("/%61%2fb", "UnescapedSlashes", "/%61/b")]
    [InlineData("/a%252Fb", "Normal, UnescapedSlashes", "/a%252Fb")]
    [InlineData("/x%2f..%5Cadmin", "Normal, UnescapedSlashes", "/admin")]
    [InlineData("/x/%2Fadmin", "Normal, UnescapedSlashes, MergedSlashes", "/x/admin")]
    public void Slashes_are_merged_and_unescaped_where_that_is_asked_for(string path, string form, string expected) =>
        Assert.Equal(expected, PathNormalization.Normalize(path, Enum.Parse<PathForm>(form)).ToString());

    [Fact]
    public void A_path_in_normal_form_is_not_copied()
    {
        const string Path = "/a/b%2F/c.html";
        Assert.True(PathNormalization.Normalize(Path, PathForm.Normal).Overlaps(Path));
    }
}
