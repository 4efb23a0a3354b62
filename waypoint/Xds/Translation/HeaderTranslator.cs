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

            var raw = option.Header!.RawValue.IsEmpty ? option.Header.Value : option.Header.RawValue.ToString(System.Text.Encoding.Latin1);
            if (Literal(raw) is not { } value)
            {
                scope.Unsupported($"{field}: '{name}' with a command operator");
                continue;
            }

            var header = KeyValuePair.Create(name, value);
            switch (option.AppendAction)
            {
                case HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd:
                    // The older form of the same: append false means set.
                    (option.Append is false ? set : add).Add(header);
                    break;
                case HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd:
                    set.Add(header);
                    break;
                case HeaderValueOption.Types.HeaderAppendAction.AddIfAbsent:
                case HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExists:
                default:
                    scope.Unsupported($"{field}: '{name}' with {option.AppendAction}");
                    break;
            }
        }

        string[] removed = [.. remove.Where(name => !HopByHopHeaders.Contains(name))];
        return removed.Length == 0 && set.Count == 0 && add.Count == 0 ? HeaderMutations.None : new HeaderMutations(removed, set, add);
    }

    /// <summary>Of two levels (route, then virtual host) the outer one is applied last, as Envoy does.</summary>
    public static HeaderMutations Then(this HeaderMutations inner, HeaderMutations outer) =>
        outer.IsEmpty ? inner
        : inner.IsEmpty ? outer
        : new HeaderMutations([.. inner.Remove, .. outer.Remove], [.. inner.Set, .. outer.Set], [.. inner.Add, .. outer.Add]);

    // %…% is a command of Envoy's and %% a percent sign.
    private static string? Literal(string value)
    {
        var literal = value.Replace("%%", "", StringComparison.Ordinal);
        return literal.Contains('%') ? null : value.Replace("%%", "%", StringComparison.Ordinal);
    }
}
