using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Tests.Routing;

public sealed class RouteMatchTests
{
    [Theory]
    [InlineData("/abc", true)]
    [InlineData("/abc?x=1", true)]
    [InlineData("/abc/", false)]
    [InlineData("/ABC", false)]
    [InlineData("/ab", false)]
    public void An_exact_path_is_compared_with_its_case_and_its_last_slash(string target, bool matches) =>
        Assert.Equal(matches, Matches(new PathExact("/abc"), new Request(target)));

    [Theory]
    [InlineData("/abc", true)]
    [InlineData("/abc/", true)]
    [InlineData("/abc/def", true)]
    [InlineData("/abc?x", true)]
    [InlineData("/abcd", false)]
    [InlineData("/ABC", false)]
    [InlineData("/", false)]
    public void A_prefix_by_elements_ends_where_an_element_ends(string target, bool matches) =>
        Assert.Equal(matches, Matches(new PathSegmentPrefix("/abc"), new Request(target)));

    [Theory]
    [InlineData("/abcd", true)]
    [InlineData("/ab", false)]
    public void A_prefix_by_characters_ends_anywhere(string target, bool matches) =>
        Assert.Equal(matches, Matches(new PathPrefix("/abc"), new Request(target)));

    [Theory]
    [InlineData("/ABC")]
    [InlineData("/abc")]
    public void A_path_without_case_matches_any_case(string target)
    {
        Assert.True(Matches(new PathExact("/Abc", IgnoreCase: true), new Request(target)));
        Assert.True(Matches(new PathPrefix("/aB", IgnoreCase: true), new Request(target)));
        Assert.True(Matches(new PathSegmentPrefix("/aBc", IgnoreCase: true), new Request(target)));
    }

    [Theory]
    [InlineData("/re/12", true)]
    [InlineData("/re/12?x=y", true)]
    [InlineData("/re/12/", false)]
    [InlineData("/x/re/12", false)]
    public void An_expression_must_match_the_whole_path(string target, bool matches) =>
        Assert.Equal(matches, Matches(new PathRegex(Re2Pattern.FullMatch("/re/[0-9]+")), new Request(target)));

    [Theory]
    [InlineData("/a/../abc")]
    [InlineData("/./abc")]
    [InlineData("/x/%2E%2e/abc")]
    [InlineData("/x/..\\abc")]
    public void Paths_match_in_their_normal_form_where_the_chain_asks_for_it(string target)
    {
        Assert.True(Matches(new PathExact("/abc"), new Request(target)));
        Assert.False(Matches(new PathExact("/abc"), new Request(target, Form: PathForm.AsReceived)));
    }

    [Fact]
    public void The_raw_path_stays_at_hand_beside_the_normal_one()
    {
        var head = new Request("/a/../b%2Fc?x=/../y").Head;
        Assert.Equal("/b%2Fc", head.Path);
        Assert.Equal("/a/../b%2Fc", head.RawPath);
        Assert.Equal("x=/../y", head.Query);
        Assert.Equal("/a/../b%2Fc?x=/../y", head.Target);
    }

    [Theory]
    [InlineData("http://other/abc?x", "/abc", "x")]
    [InlineData("http://other", "/", "")]
    [InlineData("http://other?x", "/", "x")]
    [InlineData("*", "*", "")]
    public void An_absolute_target_is_read_by_its_path(string target, string path, string query)
    {
        var head = new Request(target).Head;
        Assert.Equal(path, head.Path);
        Assert.Equal(query, head.Query);
    }

    [Theory]
    [InlineData("GET", true)]
    [InlineData("get", false)]
    [InlineData("PURGE", false)]
    public void A_method_is_a_condition_on_a_pseudo_header(string method, bool matches) =>
        Assert.Equal(matches, Matches(new HeaderString(":method", new ExactString("GET")), new Request(Method: method)));

    [Theory]
    [InlineData(":authority")]
    [InlineData("host")]
    [InlineData("Host")]
    public void The_authority_goes_by_both_its_names(string name) =>
        Assert.True(Matches(new HeaderString(name, new ExactString("echo.shop:80")), new Request(Authority: "echo.shop:80")));

    [Fact]
    public void The_path_as_a_header_includes_the_query() =>
        Assert.True(Matches(new HeaderString(":path", new StringSuffix("?x=1")), new Request("/a?x=1")));

    [Fact]
    public void A_header_in_another_case_still_matches_by_name_but_not_by_value()
    {
        var match = new HeaderString("X-Color", new ExactString("Blue"));
        Assert.True(Matches(match, new Request().With("x-color", "Blue")));
        Assert.False(Matches(match, new Request().With("X-Color", "blue")));
    }

    // What Envoy 1.39 answers.
    [Theory]
    [InlineData("a", true, "a", "b")]
    [InlineData("b", true, "a", "b")]
    [InlineData("a,b", false, "a", "b")]
    [InlineData("a", false, "a,b")]
    [InlineData("a,b", true, "a,b")]
    [InlineData("a", true, "", "a")]
    [InlineData("a", false, "b", "c")]
    public void Of_several_values_of_a_header_one_is_enough_and_for_an_inverted_condition_one_too_many(string asked, bool matches, params string[] values)
    {
        var match = new HeaderString("x", new ExactString(asked));
        Assert.Equal(matches, Matches(match, new Request().With("x", values)));
        Assert.NotEqual(matches, Matches(match with { Invert = true }, new Request().With("x", values)));
    }

    public static TheoryData<string, string, bool> Values => new()
    {
        { "prefix", "abc", true }, { "prefix", "xabc", false }, { "prefix", "", false },
        { "suffix", "xab", true }, { "suffix", "abx", false },
        { "contains", "xabx", true }, { "contains", "axb", false },
        { "regex", "ab1", true }, { "regex", "ab1x", false }, { "regex", "xab1", false },
        { "range", "10", true }, { "range", "-5", true }, { "range", "20", false }, { "range", "-6", false },
        { "range", "1x", false }, { "range", "1.5", false }, { "range", "", false },
        { "any case", "AB", true },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void A_header_matches_by_its_kind_of_condition(string kind, string value, bool matches)
    {
        HeaderMatch match = kind switch
        {
            "prefix" => new HeaderString("x", new StringPrefix("ab")),
            "suffix" => new HeaderString("x", new StringSuffix("ab")),
            "contains" => new HeaderString("x", new StringContains("ab")),
            "regex" => new HeaderString("x", new StringRegex(Re2Pattern.FullMatch("ab[0-9]"))),
            "range" => new HeaderRange("x", -5, 20),
            _ => new HeaderString("x", new ExactString("ab", IgnoreCase: true)),
        };
        var request = new Request().With("x", value);
        Assert.Equal(matches, Matches(match, request));
        Assert.NotEqual(matches, Matches(match with { Invert = true }, request));
    }

    [Theory]
    [InlineData(true, false, true)]
    [InlineData(true, true, false)]
    [InlineData(false, false, false)]
    [InlineData(false, true, true)]
    public void Presence_can_be_asked_for_and_inverted(bool present, bool invert, bool matchesWhenThere)
    {
        var match = new HeaderPresence("x", present) { Invert = invert };
        Assert.Equal(matchesWhenThere, Matches(match, new Request().With("x", "")));
        Assert.NotEqual(matchesWhenThere, Matches(match, new Request()));
    }

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    [InlineData(true, true, true)]
    public void A_missing_header_matches_nothing_inverted_or_not_unless_it_counts_as_empty(bool invert, bool asEmpty, bool matches)
    {
        var match = new HeaderRange("x", 0, 10) { Invert = invert, TreatMissingAsEmpty = asEmpty };
        Assert.Equal(matches, Matches(match, new Request()));
    }

    [Theory]
    [InlineData("/?q=one", true)]
    [InlineData("/?a=b&q=one&q=two", true)]
    [InlineData("/?q=two&q=one", false)]
    [InlineData("/?q=On%65", false)]
    [InlineData("/?Q=one", false)]
    [InlineData("/?xq=one", false)]
    [InlineData("/", false)]
    public void Of_a_query_parameter_the_first_counts_and_nothing_is_decoded(string target, bool matches) =>
        Assert.Equal(matches, Matches(new QueryMatch("q", new ExactString("one")), new Request(target)));

    [Theory]
    [InlineData("/?q", true)]
    [InlineData("/?q=", true)]
    [InlineData("/?&&q=1", true)]
    [InlineData("/?qq", false)]
    public void A_query_parameter_may_be_asked_for_without_a_value(string target, bool there)
    {
        Assert.Equal(there, Matches(new QueryMatch("q", null), new Request(target)));
        Assert.NotEqual(there, Matches(new QueryMatch("q", null) { Present = false }, new Request(target)));
    }

    [Theory]
    [InlineData("application/grpc", true)]
    [InlineData("application/grpc+proto", true)]
    [InlineData("application/grpc-web", false)]
    [InlineData("application/json", false)]
    public void Grpc_is_known_by_its_content_type(string type, bool matches) =>
        Assert.Equal(matches, new RouteMatch { Grpc = true }.Matches(new Request().With("content-type", type).Head));

    [Fact]
    public void A_fraction_takes_the_requests_whose_number_is_below_it()
    {
        var match = new RouteMatch { Fraction = new Fraction(25, 100) };
        Assert.Equal(250, Enumerable.Range(0, 1000).Count(i => match.Matches((new Request() with { Random = (ulong)i }).Head)));
    }

    private static bool Matches(PathMatch path, Request request) => new RouteMatch { Path = path }.Matches(request.Head);

    private static bool Matches(HeaderMatch header, Request request) => new RouteMatch { Headers = [header] }.Matches(request.Head);

    private static bool Matches(QueryMatch query, Request request) => new RouteMatch { Query = [query] }.Matches(request.Head);
}
