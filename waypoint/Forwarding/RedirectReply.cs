using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Forwarding;

/// <summary>Answers with a Location, by Envoy's rules for the parts that the route leaves open.</summary>
internal static class RedirectReply
{
    /// <summary>The absolute URI that the client is sent to.</summary>
    public static string Location(RedirectAction action, in RequestHead head)
    {
        var requestScheme = head.Headers[EnvoyHeaders.ForwardedProto].ToString() is { Length: > 0 } forwarded ? forwarded : head.Scheme.ToString();
        var scheme = action.Scheme ?? requestScheme;
        var target = action.PathRewrite is { } rewrite ? PathRewriting.Apply(rewrite, head) : head.Target.ToString();
        if (action.StripQuery && target.IndexOf('?') is >= 0 and var query)
        {
            target = target[..query];
        }

        return $"{scheme}://{Authority(action, head, requestScheme, scheme)}{target}";
    }

    private static string Authority(RedirectAction action, in RequestHead head, string requestScheme, string scheme)
    {
        var host = action.Host is { } named ? named : head.Authority;
        if (action.Port is { } port)
        {
            host = WithoutPort(host);
            return IsDefault(scheme, port) ? host.ToString() : $"{host}:{port}";
        }

        // The client's own port is meant for the scheme it used: http://a:80 becomes https://a.
        if (action.Host is null && scheme != requestScheme && PortOf(host) is { } own && IsDefault(requestScheme, own))
        {
            host = WithoutPort(host);
        }

        return host.ToString();
    }

    private static bool IsDefault(string scheme, int port) => (scheme, port) is ("http", 80) or ("https", 443);

    private static int PortStart(ReadOnlySpan<char> authority)
    {
        var colon = authority.LastIndexOf(':');
        return colon > authority.LastIndexOf(']') ? colon : -1;
    }

    private static ReadOnlySpan<char> WithoutPort(ReadOnlySpan<char> authority) =>
        PortStart(authority) is >= 0 and var colon ? authority[..colon] : authority;

    private static int? PortOf(ReadOnlySpan<char> authority) =>
        PortStart(authority) is >= 0 and var colon && int.TryParse(authority[(colon + 1)..], out var port) ? port : null;
}
