using Microsoft.AspNetCore.Http.Features;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Telemetry;
using Waypoint.Proxy.Telemetry.Tracing;

namespace Waypoint.Proxy.Forwarding;

/// <summary>
/// The way of a request: the chain of the connection's destination, the route in it, the chain's filters, then a redirect, an answer of our own, or a backend.
/// The connection must carry <see cref="IConnectionDestination"/> as a feature.
/// </summary>
internal sealed class RequestPipeline(BackendForwarder backends, RequestTelemetry telemetry)
{
    /// <summary>Answers <paramref name="context"/>; never throws for what a client or a backend does wrong.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        var exchange = new Exchange(context, context.Features.GetRequiredFeature<IConnectionDestination>());
        try
        {
            await AnswerAsync(exchange).ConfigureAwait(false);
        }
        finally
        {
            telemetry.Completed(exchange);
        }
    }

    private Task AnswerAsync(Exchange exchange)
    {
        if (exchange.Chain is not { } chain)
        {
            // The service is gone; the connection was made when it was there.
            return LocalReply.SendAsync(
                exchange, StatusCodes.Status503ServiceUnavailable, "", ResponseFlags.NoRouteFound, "filter_chain_not_found", close: true);
        }

        var headers = exchange.Context.Request.Headers;
        if (headers[EnvoyHeaders.RequestId].Count == 0)
        {
            headers[EnvoyHeaders.RequestId] = EnvoyHeaders.NewRequestId();
        }

        ReceivedHeaders.Clean(headers, chain);
        Tracer.Start(exchange);
        if (RequestGuard.Refuse(exchange) is { } refusal)
        {
            return refusal;
        }

        var head = RequestHead.From(exchange.Context, chain.PathForm);
        exchange.Route = chain.Routes.Match(head);
        return chain.Filters.IsEmpty ? ActAsync(exchange, ToSend(head, exchange, chain)) : FilterAsync(exchange, chain, next: 0);
    }

    // Most filters have nothing to wait for, and then there is no state machine to allocate.
    private Task FilterAsync(Exchange exchange, HttpChain chain, int next)
    {
        for (; next < chain.Filters.Length; next++)
        {
            var passed = chain.Filters[next].OnRequestAsync(exchange);
            if (!passed.IsCompletedSuccessfully)
            {
                return ResumeAsync(exchange, chain, next + 1, passed);
            }

            if (!passed.Result)
            {
                return Task.CompletedTask;
            }

            RouteAnew(exchange, chain);
        }

        return ActAsync(exchange, ToSend(RequestHead.From(exchange.Context, chain.PathForm), exchange, chain));
    }

    private async Task ResumeAsync(Exchange exchange, HttpChain chain, int next, ValueTask<bool> passed)
    {
        if (await passed.ConfigureAwait(false))
        {
            RouteAnew(exchange, chain);
            await FilterAsync(exchange, chain, next).ConfigureAwait(false);
        }
    }

    private static void RouteAnew(Exchange exchange, HttpChain chain)
    {
        if (exchange.IsRouteStale)
        {
            exchange.IsRouteStale = false;
            exchange.Route = chain.Routes.Match(RequestHead.From(exchange.Context, chain.PathForm));
        }
    }

    // A form beyond the normal one was asked for by name, for backends that read paths so: they get it even if nobody judged by it.
    private static RequestHead ToSend(RequestHead head, Exchange exchange, HttpChain chain) =>
        exchange.IsPathJudged || chain.PathForm > PathForm.Normal ? head.InMatchedForm() : head;

    private Task ActAsync(Exchange exchange, in RequestHead head) =>
        exchange.Route?.Action switch
        {
            ForwardAction forward => backends.ForwardAsync(exchange, forward, Rewrite(exchange, forward, head)),
            RedirectAction redirect => Redirect(exchange, redirect, head),
            DirectResponseAction direct => Respond(exchange, direct.Status, direct.Body),
            null => LocalReply.SendAsync(exchange, StatusCodes.Status404NotFound, "", ResponseFlags.NoRouteFound, "route_not_found"),
            var action => throw new NotSupportedException(action.GetType().Name),
        };

    /// <summary>The target to send. What it was before is told to the backend, as Envoy does.</summary>
    private static string Rewrite(Exchange exchange, ForwardAction action, in RequestHead head)
    {
        var headers = exchange.Context.Request.Headers;
        var target = action.PathRewrite is { } rewrite ? PathRewriting.Apply(rewrite, head) : PathRewriting.OriginForm(exchange.RawTarget, head);
        if (action.PathRewrite is not null)
        {
            headers[EnvoyHeaders.OriginalPath] = head.Target.ToString();
        }

        if ((action.HostRewrite ?? (action.HostRewriteHeader is { } name ? headers[name].ToString() : null)) is { Length: > 0 } host)
        {
            HostRewriting.Apply(exchange, action, host, isFirst: true);
        }

        exchange.Target = target;
        return target;
    }

    private static Task Redirect(Exchange exchange, RedirectAction action, in RequestHead head)
    {
        exchange.Context.Response.Headers.Location = RedirectReply.Location(action, head);
        return Respond(exchange, action.Status, default);
    }

    private static Task Respond(Exchange exchange, int status, ReadOnlyMemory<byte> body)
    {
        exchange.Details = "direct_response";
        exchange.Route!.ResponseHeaders.ApplyTo(exchange.Context.Response.Headers, exchange);
        return LocalReply.SendAsync(exchange, status, body);
    }
}
