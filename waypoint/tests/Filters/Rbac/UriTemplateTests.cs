using Waypoint.Proxy.Filters.Rbac;

namespace Waypoint.Proxy.Tests.Filters.Rbac;

public sealed class UriTemplateTests
{
    [Theory]
    [InlineData("/a/*/b", "/a/x/b", true)]
    [InlineData("/a/*/b", "/a/x\"*<é/b", true)]
    [InlineData("/a/*/b", "/a//b", false)]
    [InlineData("/a/*/b", "/a/x/y/b", false)]
    [InlineData("/a/*", "/a/", false)]
    [InlineData("/**", "/", true)]
    [InlineData("/a/**", "/a/b/c", true)]
    [InlineData("/a/**.jpg", "/a/b/c.jpg", true)]
    [InlineData("/a/**.jpg", "/a/b/c.png", false)]
    [InlineData("/a.b", "/aXb", false)]
    [InlineData("/a/{id}/b", "/a/x/b", true)]
    [InlineData("/a/{rest=**}", "/a/x/y", true)]
    [InlineData("/a/{v=x/*}", "/a/x/y", true)]
    [InlineData("/a/{v=x/*}", "/a/y/y", false)]
    public void A_template_matches_whole_paths(string template, string path, bool matches) =>
        Assert.Equal(matches, UriTemplate.Compile(template).IsMatch(path));

    [Theory]
    [InlineData("a/*")]
    [InlineData("/**/*")]
    [InlineData("/{a")]
    [InlineData("/{a={b}}")]
    public void What_is_no_template_is_refused(string template) =>
        Assert.Throws<FormatException>(() => UriTemplate.Compile(template));
}
