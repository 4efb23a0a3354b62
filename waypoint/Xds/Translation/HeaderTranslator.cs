using Envoy.Config.Core.V3;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>Changes of headers.</summary>
internal static class HeaderTranslator
{
    public static HeaderMutations Translate(
        IEnumerable<string> remove,
        IEnumerable<HeaderValueOption> options,
        TranslationScope scope,
        string field)
    {
        var set = new List<KeyValuePair<string, string>>();
        var add = new List<KeyValuePair<string, string>>();
        var changes = new List<HeaderChange>();
        foreach (var option in options)
        {
            var name = option.Header?.Key ?? "";
            if (name.Length == 0)
            {
                throw scope.Invalid(field, "a header without a name");
            }

            if (HopByHopHeaders.Contains(name))
            {
                scope.Unsupported($"{field}: '{name}', which belongs to one connection");
                continue;
            }

            var raw = option.Header!.RawValue.IsEmpty ? option.Header.Value : option.Header.RawValue.ToStringUtf8();
            var value = FormatTranslator.Text(raw, omitEmpty: true, scope, $"{field}: '{name}'");

            // The older form of the same: append false means set.
            var action = option.AppendAction switch
            {
                HeaderValueOption.Types.HeaderAppendAction.AddIfAbsent => HeaderAction.AddIfAbsent,
                HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExists => HeaderAction.SetIfPresent,
                HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd => HeaderAction.Set,
                _ => option.Append is false ? HeaderAction.Set : HeaderAction.Add,
            };
            if (value.Literal is not { } literal || action is HeaderAction.AddIfAbsent or HeaderAction.SetIfPresent)
            {
                changes.Add(new HeaderChange(name, value, action, option.KeepEmptyValue));
            }
            else if (literal.Length > 0 || option.KeepEmptyValue)
            {
                (action == HeaderAction.Set ? set : add).Add(KeyValuePair.Create(name, WireText.Of(literal)));
            }
        }

        string[] removed = [.. remove.Where(name => !HopByHopHeaders.Contains(name))];
        return removed.Length + set.Count + add.Count + changes.Count == 0 ? HeaderMutations.None : new HeaderMutations(removed, set, add) { Changes = changes };
    }

    /// <summary>Of two levels (route, then virtual host) the outer one is applied last, as Envoy does.</summary>
    public static HeaderMutations Then(this HeaderMutations inner, HeaderMutations outer) =>
        outer.IsEmpty ? inner
        : inner.IsEmpty ? outer
        : new HeaderMutations([.. inner.Remove, .. outer.Remove], [.. inner.Set, .. outer.Set], [.. inner.Add, .. outer.Add])
        {
            Changes = [.. inner.Changes, .. outer.Changes],
        };
}
