using System.Collections.Immutable;
using System.Net;

namespace Waypoint.GatewayApi.Sources.Reading;

internal static class AddressReader
{
    /// <summary>Parses one IP address. IPAddress.TryParse takes "1" and "0x7f.1" for addresses too; Kubernetes does not.</summary>
    public static IPAddress? Parse(FieldReader fields, string key, string text)
    {
        if (IPAddress.TryParse(text, out IPAddress? address) && (text.Contains(':') || text.Split('.').Length == 4) && !text.Contains('%'))
        {
            return address;
        }

        fields.Error(key, $"\"{text}\" is not an IP address");
        return null;
    }

    public static ImmutableArray<IPAddress> ParseAll(FieldReader fields, string key, IEnumerable<string> texts)
    {
        ImmutableArray<IPAddress>.Builder addresses = ImmutableArray.CreateBuilder<IPAddress>();
        foreach (string text in texts)
        {
            if (Parse(fields, key, text) is { } address && !addresses.Contains(address))
            {
                addresses.Add(address);
            }
        }

        return addresses.ToImmutable();
    }
}
