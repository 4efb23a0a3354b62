using System.Text;
using Microsoft.Extensions.Primitives;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Forwarding;

internal static class HeaderMutationExtensions
{
    /// <summary>Changes <paramref name="headers"/> in place: removes, then sets, then adds.</summary>
    public static void ApplyTo(this HeaderMutations mutations, IHeaderDictionary headers)
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
            headers[name] = OnTheWire(value);
        }

        foreach (var (name, value) in mutations.Add)
        {
            headers[name] = StringValues.Concat(headers[name], OnTheWire(value));
        }
    }

    // Header values travel through the stack as Latin-1, one char a byte; configuration is UTF-8.
    private static string OnTheWire(string value) =>
        Ascii.IsValid(value) ? value : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(value));
}
