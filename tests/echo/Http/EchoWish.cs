using System.Globalization;

namespace Waypoint.Echo.Http;

/// <summary>What the client asks of the answer, in its query.</summary>
internal sealed record EchoWish(int? Status, int DelayMilliseconds, int FailFirst, string Key, bool Reset, int? Size, string? Trailer)
{
    internal static EchoWish Of(IQueryCollection query) => new(
        Number(query, "status"),
        Number(query, "delay") ?? 0,
        Number(query, "fail") ?? 0,
        query["key"].ToString(),
        query.ContainsKey("reset"),
        Number(query, "size"),
        query.TryGetValue("trailer", out Microsoft.Extensions.Primitives.StringValues trailer) ? trailer.ToString() : null);

    private static int? Number(IQueryCollection query, string name) =>
        int.TryParse(query[name], CultureInfo.InvariantCulture, out int number) ? number : null;
}
