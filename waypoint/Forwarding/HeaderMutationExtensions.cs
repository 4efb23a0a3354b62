using Microsoft.Extensions.Primitives;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Telemetry.Formatting;

namespace Waypoint.Proxy.Forwarding;

internal static class HeaderMutationExtensions
{
    /// <summary>Changes <paramref name="headers"/> in place: removes, then sets, then adds, then makes the changes that depend on <paramref name="exchange"/>.</summary>
    public static void ApplyTo(this HeaderMutations mutations, IHeaderDictionary headers, Exchange exchange)
    {
        if (mutations.IsEmpty)
        {
            return;
        }

        foreach (var name in mutations.Remove)
        {
            headers.Remove(name);
        }

        foreach (var (name, value) in mutations.Set)
        {
            headers[name] = value;
        }

        foreach (var (name, value) in mutations.Add)
        {
            headers[name] = StringValues.Concat(headers[name], value);
        }

        foreach (var change in mutations.Changes)
        {
            Apply(change, headers, exchange);
        }
    }

    private static void Apply(HeaderChange change, IHeaderDictionary headers, Exchange exchange)
    {
        var isPresent = headers.ContainsKey(change.Name);
        if (change.Action == (isPresent ? HeaderAction.AddIfAbsent : HeaderAction.SetIfPresent))
        {
            return;
        }

        var value = Sendable(change.Value.ToHeaderValue(new StreamInfo(exchange)));
        if (value.Length > 0 || change.KeepsEmpty)
        {
            headers[change.Name] = change.Action == HeaderAction.Add ? StringValues.Concat(headers[change.Name], value) : value;
        }
    }

    // What an operator brings may be anything that a client sent; a line end would begin a header of its own.
    private static string Sendable(string value)
    {
        if (value.AsSpan().IndexOfAny('\r', '\n', '\0') < 0)
        {
            return value;
        }

        return string.Concat(value.Where(c => c is not ('\r' or '\n' or '\0')));
    }
}
