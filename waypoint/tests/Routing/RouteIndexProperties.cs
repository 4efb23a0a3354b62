using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Tests.Routing;

/// <summary>The compiled index against a linear scan, on random routes and requests from one small alphabet, so that they meet often.</summary>
public sealed class RouteIndexProperties
{
    [Theory]
    [InlineData(1, 3)]
    [InlineData(2, 20)]
    [InlineData(3, 200)]
    [InlineData(4, 2000)]
    public void The_index_finds_what_a_linear_scan_finds(int seed, int count)
    {
        var random = new Random(seed);
        var found = 0;
        var rounds = 40_000 / count;
        for (var round = 0; round < rounds; round++)
        {
            Route[] routes = [.. Enumerable.Range(0, count).Select(i => Routes.To($"{i}", Match(random)))];
            var index = new RouteIndex(routes);
            for (var i = 0; i < 40; i++)
            {
                var request = Request(random);
                var expected = routes.FirstOrDefault(route => route.Match.Matches(request.Head));
                Assert.Same(expected, index.Match(request.Head));
                found += expected is null ? 0 : 1;
            }
        }

        // With requests that meet no route the test would say nothing.
        Assert.True(found > rounds * 4, $"only {found} of {rounds * 40} requests met a route");
    }

    private static RouteMatch Match(Random random) => new()
    {
        Path = Path(random),
        Headers = [.. Some(random, 2, () => Header(random))],
        Query = [.. Some(random, 1, () => Query(random))],
        Fraction = random.Next(20) == 0 ? new Fraction((uint)random.Next(101), 100) : null,
        Grpc = random.Next(20) == 0,
    };

    private static PathMatch Path(Random random)
    {
        var path = RandomPath(random);
        var ignoreCase = random.Next(5) == 0;
        return random.Next(7) switch
        {
            0 or 1 => new PathExact(path, ignoreCase),
            2 or 3 => new PathPrefix(path, ignoreCase),
            4 or 5 => new PathSegmentPrefix(path.TrimEnd('/'), ignoreCase),
            _ => Patterns[random.Next(Patterns.Length)],
        };
    }

    private static readonly PathRegex[] Patterns =
    [
        .. new[] { "/a+", "/[ab]/.*", "/.*b", "(/[a-c]*)+", "/a/b?", "/ab.*", "/a|/b/.*", "(?i)/a.*", "/a{2}.*" }
            .Select(pattern => new PathRegex(Re2Pattern.FullMatch(pattern), Re2Pattern.LiteralPrefix(pattern))),
    ];

    private static HeaderMatch Header(Random random)
    {
        var name = new[] { "x", "Y", "x-long", ":method" }[random.Next(4)];
        HeaderMatch match = random.Next(6) switch
        {
            0 => new HeaderPresence(name, random.Next(2) == 0),
            1 => new HeaderString(name, new StringPrefix(Value(random))),
            2 => new HeaderString(name, new ExactString(Value(random), IgnoreCase: true)),
            _ => new HeaderString(name, new ExactString(Value(random))),
        };
        return match with { Invert = random.Next(6) == 0, TreatMissingAsEmpty = random.Next(6) == 0 };
    }

    private static QueryMatch Query(Random random) =>
        new(random.Next(2) == 0 ? "p" : "q", random.Next(4) == 0 ? null : new ExactString(Value(random))) { Present = random.Next(3) > 0 };

    private static Request Request(Random random)
    {
        var query = random.Next(2) == 0 ? "" : $"?p={Value(random)}&q={Value(random)}&p={Value(random)}";
        var request = new Request(RandomPath(random) + query, random.Next(2) == 0 ? "GET" : "a") { Random = (ulong)random.NextInt64() };
        foreach (var name in new[] { "X", "y", "x-long", "content-type" })
        {
            switch (random.Next(4))
            {
                case 0:
                    request.With(name, Value(random), Value(random));
                    break;
                case 1 or 2:
                    request.With(name, name == "content-type" ? "application/grpc" : Value(random));
                    break;
            }
        }

        return request;
    }

    private static string RandomPath(Random random)
    {
        var path = "";
        do
        {
            path += "/" + new string([.. Enumerable.Range(0, random.Next(3)).Select(_ => "abAc"[random.Next(4)])]);
        }
        while (random.Next(2) == 0);

        return path;
    }

    private static string Value(Random random) => new[] { "a", "b", "A", "ab", "", "c", "d", "e", "f", "a,b" }[random.Next(10)];

    private static IEnumerable<T> Some<T>(Random random, int most, Func<T> make) =>
        Enumerable.Range(0, random.Next(most + 1)).Select(_ => make());
}
