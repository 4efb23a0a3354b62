using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.ExtAuthz;

/// <summary>Collects what a service wants changed. What belongs to one connection, frames a message or would begin another header is left alone.</summary>
internal sealed class AuthzHeaders
{
    private readonly List<string> _remove = [];
    private readonly List<KeyValuePair<string, string>> _set = [];
    private readonly List<KeyValuePair<string, string>> _add = [];

    public void Remove(string name)
    {
        if (MayChange(name) && !name.Equals("host", StringComparison.OrdinalIgnoreCase))
        {
            _remove.Add(name);
        }
    }

    /// <param name="name">The header.</param>
    /// <param name="value">As <see cref="WireText"/> holds it.</param>
    /// <param name="appends">Beside what is there, not in its place.</param>
    public void Put(string name, string value, bool appends)
    {
        if (MayChange(name) && !value.AsSpan().ContainsAny('\r', '\n', '\0'))
        {
            (appends ? _add : _set).Add(KeyValuePair.Create(name, value));
        }
    }

    public HeaderMutations Build() =>
        _remove.Count + _set.Count + _add.Count == 0 ? HeaderMutations.None : new HeaderMutations(_remove, _set, _add);

    private static bool MayChange(string name) =>
        name.Length > 0
        && name[0] != ':'
        && !HopByHopHeaders.Contains(name)
        && !name.Equals("content-length", StringComparison.OrdinalIgnoreCase);
}
