using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Google.Protobuf.Collections;
using HeaderValue = Waypoint.GatewayApi.Model.HeaderValue;

namespace Waypoint.GatewayApi.Translation;

internal static class HeaderTranslation
{
    /// <summary>Adds the changes to a message's lists; <c>host</c> cannot be among them and is returned instead.</summary>
    public static string? Apply(
        ImmutableArray<HeaderValue> set,
        ImmutableArray<HeaderValue> add,
        ImmutableArray<string> remove,
        RepeatedField<HeaderValueOption> headers,
        RepeatedField<string> removed)
    {
        string? host = null;
        foreach ((ImmutableArray<HeaderValue> values, HeaderValueOption.Types.HeaderAppendAction action) in new[]
        {
            (set, HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd),
            (add, HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd),
        })
        {
            foreach (HeaderValue value in values)
            {
                // Envoy refuses to change Host as a header; it has a field of its own.
                if (value.Name.Equals("host", StringComparison.OrdinalIgnoreCase))
                {
                    host = value.Value;
                    continue;
                }

                headers.Add(new HeaderValueOption
                {
                    Header = new Envoy.Config.Core.V3.HeaderValue { Key = value.Name.ToLowerInvariant(), Value = Escape(value.Value) },
                    AppendAction = action,
                });
            }
        }

        removed.Add(remove);
        return host;
    }

    /// <summary>Envoy's values are formats in which % begins an operator; ours are meant as they stand.</summary>
    private static string Escape(string value) => value.Replace("%", "%%", StringComparison.Ordinal);
}
