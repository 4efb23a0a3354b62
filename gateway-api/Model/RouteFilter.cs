using System.Collections.Immutable;

namespace Waypoint.GatewayApi.Model;

internal readonly record struct HeaderValue(string Name, string Value);

/// <summary>A step on the way of a request or its answer; <see cref="Type"/> is the API's word for it.</summary>
internal abstract record RouteFilter(string Type);

internal sealed record RequestHeaderModifier(
    ImmutableArray<HeaderValue> Set,
    ImmutableArray<HeaderValue> Add,
    ImmutableArray<string> Remove)
    : RouteFilter("RequestHeaderModifier");

internal sealed record ResponseHeaderModifier(
    ImmutableArray<HeaderValue> Set,
    ImmutableArray<HeaderValue> Add,
    ImmutableArray<string> Remove)
    : RouteFilter("ResponseHeaderModifier");

/// <summary>A new path: the whole of it, or (where <see cref="Prefix"/>) what takes the place of the matched prefix.</summary>
internal sealed record PathModifier(bool Prefix, string Value);

internal sealed record RequestRedirect(string? Scheme, string? Hostname, PathModifier? Path, int? Port, int StatusCode)
    : RouteFilter("RequestRedirect");

internal sealed record UrlRewrite(string? Hostname, PathModifier? Path) : RouteFilter("URLRewrite");

/// <summary>The mirrored share is <see cref="Numerator"/> of <see cref="Denominator"/>.</summary>
internal sealed record RequestMirror(BackendRef Backend, int Numerator, int Denominator) : RouteFilter("RequestMirror");

internal sealed record Cors(
    ImmutableArray<string> AllowOrigins,
    ImmutableArray<string> AllowMethods,
    ImmutableArray<string> AllowHeaders,
    ImmutableArray<string> ExposeHeaders,
    bool AllowCredentials,
    int MaxAge)
    : RouteFilter("CORS");

/// <summary>A filter that the API knows and we do not carry out. The API forbids skipping it: its rule answers 500.</summary>
internal sealed record UnsupportedFilter(string Type) : RouteFilter(Type);
