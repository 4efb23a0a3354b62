using Microsoft.AspNetCore.Http.Features;

namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary><c>%REQ(A?B)%</c> and its like: the header, or the other one where it is missing.</summary>
internal static class HeaderOperators
{
    public static FieldOperator Request(Command command) => Either(command, static name => name.ToUpperInvariant() switch
    {
        ":METHOD" => static s => s.Exchange?.Context.Request.Method,
        ":PATH" => static s => s.Exchange is { } exchange ? exchange.Target ?? exchange.RawTarget : null,
        ":AUTHORITY" => static s => First(s.RequestHeaders?.Host ?? default),
        ":SCHEME" => static s => s.Exchange?.Context.Request.Scheme,
        _ => s => s.RequestHeaders is { } headers ? First(headers[name]) : null,
    });

    public static FieldOperator Response(Command command) => Either(command, static name => name.ToUpperInvariant() switch
    {
        ":STATUS" => static s => s.Exchange is { Status: > 0 } exchange ? exchange.Status.ToString(System.Globalization.CultureInfo.InvariantCulture) : null,
        _ => s => s.Exchange is { } exchange ? First(exchange.Context.Response.Headers[name]) : null,
    });

    public static FieldOperator Trailer(Command command) => Either(command, static name =>
        s => s.Exchange?.Context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers is { } trailers ? First(trailers[name]) : null);

    /// <summary><c>%PATH(WQ|NQ:PATH|ORIG|ORIG_OR_PATH)%</c>: with the query or without, as sent on, as it came, or the one that there is.</summary>
    public static FieldOperator Path(Command command)
    {
        var options = (command.Argument ?? "").Split(':');
        var withQuery = options[0] switch
        {
            "" or "WQ" => true,
            "NQ" => false,
            _ => throw OperatorCatalogue.Invalid(command, "'WQ' or 'NQ' is needed first"),
        };
        Func<StreamInfo, string?> read = (options.Length > 1 ? options[1] : "") switch
        {
            "" or "ORIG_OR_PATH" => static s => Original(s) ?? s.Exchange?.Target ?? s.Exchange?.RawTarget,
            "PATH" => static s => s.Exchange?.Target ?? s.Exchange?.RawTarget,
            "ORIG" => Original,
            _ => throw OperatorCatalogue.Invalid(command, "'PATH', 'ORIG' or 'ORIG_OR_PATH' is needed second"),
        };
        return new WireTextOperator(withQuery ? read : s => read(s)?.Split('?')[0]);
    }

    public static FieldOperator QueryParameter(Command command)
    {
        var name = command.Argument is { Length: > 0 } argument ? argument : throw OperatorCatalogue.Invalid(command, "a parameter's name is needed");
        return new WireTextOperator(s => s.Exchange is { } exchange && exchange.Context.Request.Query.TryGetValue(name, out var value) ? value[0] : null);
    }

    public static FieldOperator Query(Command command) => new WireTextOperator(static s =>
        s.Exchange?.Context.Request.QueryString.Value is { Length: > 1 } query ? query[1..] : null);

    private static string? Original(StreamInfo stream) => First(stream.RequestHeaders?[Forwarding.EnvoyHeaders.OriginalPath] ?? default);

    private static WireTextOperator Either(Command command, Func<string, Func<StreamInfo, string?>> read)
    {
        var names = (command.Argument ?? "").Split('?');
        if (names.Length > 2 || names[0].Length == 0)
        {
            throw OperatorCatalogue.Invalid(command, "a header's name, or two with '?' between them, are needed");
        }

        var main = read(names[0]);
        if (names.Length == 1 || names[1].Length == 0)
        {
            return new WireTextOperator(main);
        }

        var other = read(names[1]);
        return new WireTextOperator(s => main(s) ?? other(s));
    }

    // Of a header that came more than once Envoy tells the first.
    private static string? First(Microsoft.Extensions.Primitives.StringValues values) => values.Count > 0 ? values[0] : null;
}
