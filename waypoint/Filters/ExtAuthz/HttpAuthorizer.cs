using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.ExtAuthz;

/// <summary>How a service over plain HTTP is asked, and which headers of its answer go where.</summary>
internal sealed record HttpAuthorizerSettings
{
    public required ClusterSlot Cluster { get; init; }

    /// <summary>Zero for no limit.</summary>
    public TimeSpan Timeout { get; init; }

    /// <summary>Comes before the request's own path.</summary>
    public string PathPrefix { get; init; } = "";

    /// <summary>Headers of the request that the service sees besides its credentials.</summary>
    public required HeaderChoice Headers { get; init; }

    /// <summary>Headers that the service gets in place of the request's.</summary>
    public ImmutableArray<KeyValuePair<string, string>> HeadersToAdd { get; init; } = [];

    /// <summary>Set on the request when allowed.</summary>
    public ImmutableArray<StringMatch> Upstream { get; init; } = [];

    /// <summary>Appended to the request when allowed.</summary>
    public ImmutableArray<StringMatch> UpstreamAppended { get; init; } = [];

    /// <summary>Part of the answer when denied; null for all.</summary>
    public ImmutableArray<StringMatch>? ClientWhenDenied { get; init; }

    /// <summary>Added to the backend's answer when allowed.</summary>
    public ImmutableArray<StringMatch> ClientWhenAllowed { get; init; } = [];

    /// <summary>Told to later filters.</summary>
    public ImmutableArray<StringMatch> Metadata { get; init; } = [];
}

/// <summary>A service that gets a copy of the request's head and answers with a status: 200 allows, 5xx is a failure, anything else denies.</summary>
internal sealed class HttpAuthorizer(HttpAuthorizerSettings settings, ClusterClient client) : IAuthorizer
{
    /// <summary>In bytes; the answer becomes a client's.</summary>
    private const int MaxBody = 1024 * 1024;

    private const string HeadersToRemove = "x-envoy-auth-headers-to-remove";

    public async Task<AuthzVerdict> CheckAsync(Exchange exchange, RequestStart? body, IReadOnlyDictionary<string, string> context)
    {
        using var request = Request(exchange, body, out var target);
        try
        {
            using var answer = await client.SendAsync(
                settings.Cluster, request, target, settings.Timeout, MaxBody, exchange.Context.RequestAborted).ConfigureAwait(false);
            return answer.Status switch
            {
                StatusCodes.Status200OK => Allow(answer),
                >= 500 => AuthzVerdict.Failed,
                _ => Deny(answer),
            };
        }
        catch (ClusterCallException)
        {
            return AuthzVerdict.Failed;
        }
    }

    private HttpRequestMessage Request(Exchange exchange, RequestStart? body, out string target)
    {
        var head = exchange.MatchedHead();
        target = string.Concat(settings.PathPrefix, head.Target);
        var request = new HttpRequestMessage(new HttpMethod(exchange.Context.Request.Method), (Uri?)null)
        {
            Content = new ByteArrayContent(body?.Bytes ?? []),
        };
        var added = settings.HeadersToAdd.Select(header => header.Key).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in head.Headers)
        {
            var key = name.ToLowerInvariant();
            if (IsShown(key) && !added.Contains(name) && !request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
            {
                request.Content.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }

        if (body is not null)
        {
            request.Headers.TryAddWithoutValidation("x-envoy-auth-partial-body", body.IsPartial ? "true" : "false");
        }

        foreach (var (name, value) in settings.HeadersToAdd)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    private bool IsShown(string name) =>
        name is "host" or "authorization"
        || (!HopByHopHeaders.Contains(name) && name != "content-length" && settings.Headers.Includes(name));

    private AuthzVerdict Allow(ClusterAnswer answer)
    {
        var (request, response, metadata) = (new AuthzHeaders(), new AuthzHeaders(), new JsonObject());
        foreach (var (name, value) in Headers(answer))
        {
            if (name == HeadersToRemove)
            {
                foreach (var removed in value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                {
                    request.Remove(removed);
                }

                continue;
            }

            if (HeaderChoice.Any(settings.Upstream, name))
            {
                request.Put(name, value, appends: false);
            }

            if (HeaderChoice.Any(settings.UpstreamAppended, name))
            {
                request.Put(name, value, appends: true);
            }

            if (HeaderChoice.Any(settings.ClientWhenAllowed, name))
            {
                response.Put(name, value, appends: true);
            }

            if (HeaderChoice.Any(settings.Metadata, name))
            {
                metadata[name] = value;
            }
        }

        return new AuthzVerdict(AuthzOutcome.Allowed) { RequestHeaders = request.Build(), ResponseHeaders = response.Build(), Metadata = metadata };
    }

    private AuthzVerdict Deny(ClusterAnswer answer)
    {
        var response = new AuthzHeaders();
        foreach (var (name, value) in Headers(answer))
        {
            if (settings.ClientWhenDenied is not { } allowed || name is "www-authenticate" or "location" || HeaderChoice.Any(allowed, name))
            {
                response.Put(name, value, appends: name == "set-cookie");
            }
        }

        return new AuthzVerdict(AuthzOutcome.Denied) { Status = answer.Status, Body = answer.Body, ResponseHeaders = response.Build() };
    }

    private static IEnumerable<(string Name, string Value)> Headers(ClusterAnswer answer) =>
        from header in answer.Response.Headers.NonValidated.Concat(answer.Response.Content.Headers.NonValidated)
        from value in header.Value
        select (header.Key.ToLowerInvariant(), value);
}
