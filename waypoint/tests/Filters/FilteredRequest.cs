using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Tests.Forwarding;
using Route = Waypoint.Proxy.Routing.Route;

namespace Waypoint.Proxy.Tests.Filters;

/// <summary>A request on its way through filters, without a connection below it.</summary>
internal sealed class FilteredRequest : IConnectionDestination
{
    private readonly MemoryStream _body = new();
    private readonly IEnumerable<IHttpFilter> _filters;

    public FilteredRequest(string method, string target, string host, IEnumerable<IHttpFilter> filters)
    {
        _filters = filters;
        Context.Request.Method = method;
        Context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = target;
        Context.Request.Headers.Host = host;
        Context.Request.Protocol = "HTTP/1.1";
        Context.Response.Body = _body;
    }

    public DefaultHttpContext Context { get; } = new();

    public IPEndPoint Original { get; init; } = new(IPAddress.Parse("10.96.0.1"), 80);

    public IPEndPoint Client { get; init; } = new(IPAddress.Parse("192.168.7.7"), 40_000);

    public string? ClientPrincipal { get; init; }

    public Route? Route { get; init; }

    public PathForm PathForm { get; init; } = PathForm.Normal;

    public Exchange Exchange => field ??= new Exchange(Context, this) { Route = Route };

    public string Body => System.Text.Encoding.UTF8.GetString(_body.ToArray());

    public HttpChain? CurrentChain() => new() { Name = "chain", Routes = RouteTable.Empty, PathForm = PathForm };

    public FilteredRequest With(string header, params string[] values)
    {
        Context.Request.Headers[header] = values;
        return this;
    }

    /// <summary>True when every filter let it pass.</summary>
    public async Task<bool> PassesAsync()
    {
        foreach (var filter in _filters)
        {
            if (!await filter.OnRequestAsync(Exchange))
            {
                return false;
            }
        }

        return true;
    }
}
