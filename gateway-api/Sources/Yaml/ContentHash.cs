using System.Security.Cryptography;
using System.Text;

namespace Waypoint.GatewayApi.Sources.Yaml;

/// <summary>
/// A hash of what a document says, without its layout, comments or position: moving an object down a file, or to another
/// file, must not count as a change of it.
/// </summary>
internal static class ContentHash
{
    public static string Of(YamlNode node)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, node);
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 12));
    }

    private static void Append(IncrementalHash hash, YamlNode node)
    {
        switch (node)
        {
            case YamlMapping mapping:
                Append(hash, '{', mapping.Entries.Count.ToString(System.Globalization.CultureInfo.InvariantCulture));
                foreach (YamlEntry entry in mapping.Entries)
                {
                    Append(hash, 'k', entry.Key);
                    Append(hash, entry.Value);
                }

                break;
            case YamlSequence sequence:
                Append(hash, '[', sequence.Items.Count.ToString(System.Globalization.CultureInfo.InvariantCulture));
                foreach (YamlNode item in sequence.Items)
                {
                    Append(hash, item);
                }

                break;
            case YamlScalar scalar:
                Append(hash, (char)('0' + (int)scalar.Type), scalar.Value);
                break;
        }
    }

    private static void Append(IncrementalHash hash, char tag, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes($"{tag}{text.Length}:{text}");
        hash.AppendData(bytes);
    }
}
