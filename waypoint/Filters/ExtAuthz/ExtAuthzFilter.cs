using Microsoft.AspNetCore.Http.Features;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Telemetry;

namespace Waypoint.Proxy.Filters.ExtAuthz;

/// <summary>Lets a service decide who may send a request.</summary>
internal sealed class ExtAuthzFilter(string name, ExtAuthzSettings settings, IAuthorizer authorizer, ExtAuthzMetrics metrics) : IHttpFilter
{
    private const string Namespace = "envoy.filters.http.ext_authz";

    public ValueTask<bool> OnRequestAsync(Exchange exchange)
    {
        var route = exchange.Route?.FilterSettings.Find<ExtAuthzRouteSettings>(name) ?? ExtAuthzRouteSettings.None;
        if (route.Disabled)
        {
            return new ValueTask<bool>(true);
        }

        var isEnabled = settings.Enabled.Includes((ulong)Random.Shared.NextInt64()) && settings.EnabledMetadata?.Matches(exchange.Metadata) is not false;
        return isEnabled ? CheckAsync(exchange, route)
            : settings.DenyAtDisable ? FailAsync(exchange)
            : new ValueTask<bool>(true);
    }

    private async ValueTask<bool> CheckAsync(Exchange exchange, ExtAuthzRouteSettings route)
    {
        exchange.IsPathJudged = true;
        RequestStart? body = null;
        if (!route.WithoutBody && (route.Body ?? settings.Body) is { } wanted && HasBody(exchange.Context))
        {
            try
            {
                body = await RequestStart.ReadAsync(exchange.Context.Request.BodyReader, wanted.MaxBytes, exchange.Context.RequestAborted).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or BadHttpRequestException)
            {
                return await FailAsync(exchange).ConfigureAwait(false);
            }

            if (body.IsPartial && !wanted.AllowPartial)
            {
                await LocalReply.SendAsync(
                    exchange, StatusCodes.Status413PayloadTooLarge, "Payload Too Large", ResponseFlags.None, "request_payload_too_large", close: true)
                    .ConfigureAwait(false);
                return false;
            }
        }

        var verdict = await authorizer.CheckAsync(exchange, body, route.Context).ConfigureAwait(false);
        if (verdict.Metadata is { } metadata)
        {
            foreach (var (key, value) in metadata.ToArray())
            {
                exchange.Metadata.Set(Namespace, key, value?.DeepClone());
            }
        }

        var passes = verdict.Outcome == AuthzOutcome.Allowed || (verdict.Outcome == AuthzOutcome.Failed && settings.FailureModeAllow);
        metrics.Count(exchange.Chain!.Name, verdict.Outcome, passes);
        switch (verdict.Outcome)
        {
            case AuthzOutcome.Allowed:
                Allow(exchange, verdict);
                return true;
            case AuthzOutcome.Denied:
                return await DenyAsync(exchange, verdict).ConfigureAwait(false);
            default:
                if (passes && settings.FailureModeAllowHeader)
                {
                    exchange.Context.Request.Headers["x-envoy-auth-failure-mode-allowed"] = "true";
                }

                return passes || await FailAsync(exchange).ConfigureAwait(false);
        }
    }

    private void Allow(Exchange exchange, AuthzVerdict verdict)
    {
        verdict.RequestHeaders.ApplyTo(exchange.Context.Request.Headers, exchange);
        if (verdict.QueryToSet.Count + verdict.QueryToRemove.Count > 0)
        {
            var feature = exchange.Context.Features.GetRequiredFeature<IHttpRequestFeature>();
            foreach (var parameter in verdict.QueryToRemove.Concat(verdict.QueryToSet.Select(pair => pair.Key)))
            {
                feature.RawTarget = QueryString.Remove(feature.RawTarget, parameter);
            }

            foreach (var (key, value) in verdict.QueryToSet)
            {
                feature.RawTarget += $"{(feature.RawTarget.Contains('?') ? '&' : '?')}{Uri.EscapeDataString(key)}={Uri.EscapeDataString(value)}";
            }
        }

        exchange.IsRouteStale |= settings.ClearsRoute && (!verdict.RequestHeaders.IsEmpty || verdict.QueryToSet.Count + verdict.QueryToRemove.Count > 0);
        if (!verdict.ResponseHeaders.IsEmpty)
        {
            exchange.Context.Response.OnStarting(() =>
            {
                verdict.ResponseHeaders.ApplyTo(exchange.Context.Response.Headers, exchange);
                return Task.CompletedTask;
            });
        }
    }

    private static async ValueTask<bool> DenyAsync(Exchange exchange, AuthzVerdict verdict)
    {
        exchange.Context.Response.Clear();
        exchange.Flags |= ResponseFlags.UnauthorizedExternalService;
        exchange.Details = "ext_authz_denied";
        verdict.ResponseHeaders.ApplyTo(exchange.Context.Response.Headers, exchange);
        await LocalReply.SendAsync(exchange, verdict.Status, verdict.Body).ConfigureAwait(false);
        return false;
    }

    private async ValueTask<bool> FailAsync(Exchange exchange)
    {
        await LocalReply.SendAsync(exchange, settings.StatusOnError, "", ResponseFlags.UnauthorizedExternalService, "ext_authz_error").ConfigureAwait(false);
        return false;
    }

    private static bool HasBody(HttpContext context) =>
        context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? context.Request.ContentLength > 0;
}
