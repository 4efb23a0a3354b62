using Microsoft.AspNetCore.Http;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Tests.Routing;

/// <summary>A request to match, as a test writes it.</summary>
internal sealed record Request(string Target = "/", string Method = "GET", string Authority = "echo.shop", PathForm Form = PathForm.Normal)
{
    public HeaderDictionary Headers { get; } = [];

    public ulong Random { get; init; }

    public RequestHead Head =>
        RequestHead.Create(Method, Authority, Target, Headers, Form) with { RandomValue = Random };

    public Request With(string header, params string[] values)
    {
        Headers[header] = values;
        return this;
    }
}

internal static class Routes
{
    public static Route To(string name, RouteMatch match) =>
        new(name, match, new ForwardAction(new WeightedClusters([])), HeaderMutations.None, HeaderMutations.None);

    public static Route To(string name, PathMatch path) => To(name, new RouteMatch { Path = path });

    public static string? Find(this RouteTable table, Request request) => table.Match(request.Head)?.Name;
}
