using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Tests.Routing;

/// <summary>What RE2 says, in the places where .NET would say otherwise.</summary>
public sealed class Re2PatternTests
{
    [Theory]
    [InlineData("a|ab", "ab", true)]
    [InlineData("a|ab", "abc", false)]
    [InlineData(@"\d+", "12", true)]
    [InlineData(@"\d", "٣", false)]
    [InlineData(@"\w+", "é", false)]
    [InlineData(@"[\w-]+", "a-b_1", true)]
    [InlineData(@"\s", "\u00a0", false)]
    [InlineData(@"\S\D\W", "xx.", true)]
    [InlineData("ab$", "ab\n", false)]
    [InlineData("^ab$", "ab", true)]
    [InlineData("a.c", "a\nc", false)]
    [InlineData("(?s)a.c", "a\nc", true)]
    [InlineData("(?i)abc", "ABC", true)]
    [InlineData("(?i:a)bc", "Abc", true)]
    [InlineData("(?i:a)bc", "ABC", false)]
    [InlineData("(?P<name>a)b", "ab", true)]
    [InlineData("(?<name>a)b", "ab", true)]
    [InlineData("[[:alpha:]]+", "abC", true)]
    [InlineData("[[:alpha:]]+", "ab1", false)]
    [InlineData("[^[:digit:]]", "a", true)]
    [InlineData("[a-z-[b]]", "b]", true)]
    [InlineData("[]a]+", "]a", true)]
    [InlineData(@"\Qa.b\E+", "a.bb", true)]
    [InlineData(@"\Qa.b\E", "axb", false)]
    [InlineData(@"\x{41}\x42", "AB", true)]
    [InlineData(@"\101", "A", true)]
    [InlineData(@"\pL+", "é", true)]
    [InlineData(@"\/a\-b\_", "/a-b_", true)]
    [InlineData("(.*;)?(user=x)(;.*)?", "a=b;user=x", true)]
    [InlineData("a{2,3}", "aaa", true)]
    [InlineData("a{,3}", "a{,3}", true)]
    public void A_pattern_means_what_it_means_in_re2(string pattern, string value, bool matches) =>
        Assert.Equal(matches, Re2Pattern.FullMatch(pattern).IsMatch(value));

    [Theory]
    [InlineData("(?=a)b")]
    [InlineData("(?<!a)b")]
    [InlineData("(?>a)b")]
    [InlineData(@"(a)\1")]
    [InlineData(@"(?P<n>a)\k<n>")]
    [InlineData("(?x)a b")]
    [InlineData("(?#comment)a")]
    [InlineData(@"\C")]
    [InlineData(@"\Z")]
    [InlineData(@"\G")]
    [InlineData("a**")]
    [InlineData("(a")]
    [InlineData("[a")]
    [InlineData("a\\")]
    [InlineData("(((a{1000}){1000}){1000})")]
    [InlineData("[[:nonsense:]]")]
    public void A_pattern_that_re2_refuses_or_that_is_not_supported_is_refused_with_the_reason(string pattern)
    {
        var error = Assert.Throws<Re2PatternException>(() => Re2Pattern.FullMatch(pattern));
        Assert.Contains(pattern, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/re/[0-9]+", "/re/")]
    [InlineData("^/a/b", "/a/b")]
    [InlineData("/ab+c", "/ab")]
    [InlineData("/ab*", "/a")]
    [InlineData("/ab?c", "/a")]
    [InlineData("/ab{0}", "/a")]
    [InlineData(@"/a\.b\d", "/a.b")]
    [InlineData(@"/a\.?b", "/a")]
    [InlineData("/a.b", "/a")]
    [InlineData("/a|/b", "")]
    [InlineData("(?i)/a", "")]
    [InlineData(@"\Q/a\E", "")]
    [InlineData("", "")]
    public void What_a_match_begins_with_is_found_where_it_is_plain_to_see(string pattern, string prefix) =>
        Assert.Equal(prefix, Re2Pattern.LiteralPrefix(pattern));

    [Fact]
    public void A_pattern_that_would_backtrack_for_years_answers_at_once()
    {
        var regex = Re2Pattern.FullMatch("(a+)+b");
        Assert.DoesNotMatch(regex, new string('a', 10_000));
    }
}
