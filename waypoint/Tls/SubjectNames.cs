using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Tls;

internal enum SubjectNameKind
{
    Email = 1,
    Dns = 2,
    Uri = 6,
    Address = 7,
}

/// <summary>A name in a certificate's subjectAltName (RFC 5280 section 4.2.1.6).</summary>
internal readonly record struct SubjectName(SubjectNameKind Kind, string Value)
{
    /// <summary>The names of a certificate; other kinds are left out.</summary>
    public static IReadOnlyList<SubjectName> Of(X509Certificate2 certificate)
    {
        var names = new List<SubjectName>();
        if (certificate.Extensions.FirstOrDefault(extension => extension.Oid?.Value == "2.5.29.17") is not { } extension)
        {
            return names;
        }

        try
        {
            var sequence = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            while (sequence.HasData)
            {
                var tag = sequence.PeekTag();
                switch (tag.TagValue)
                {
                    case (int)SubjectNameKind.Email or (int)SubjectNameKind.Dns or (int)SubjectNameKind.Uri:
                        names.Add(new SubjectName((SubjectNameKind)tag.TagValue, sequence.ReadCharacterString(UniversalTagNumber.IA5String, tag)));
                        break;
                    case (int)SubjectNameKind.Address:
                        names.Add(new SubjectName(SubjectNameKind.Address, new IPAddress(sequence.ReadOctetString(tag)).ToString()));
                        break;
                    default:
                        sequence.ReadEncodedValue();
                        break;
                }
            }
        }
        catch (Exception e) when (e is AsnContentException or ArgumentException)
        {
            // Names that cannot be read are no names; the handshake fails where one is needed.
            names.Clear();
        }

        return names;
    }

    /// <summary>True when it stands for <paramref name="host"/>; of a DNS name the first label may be a star (RFC 6125 section 6.4.3).</summary>
    public bool Covers(string host) => Kind switch
    {
        SubjectNameKind.Dns when Value.StartsWith("*.", StringComparison.Ordinal) =>
            host.IndexOf('.') is > 0 and var dot && host.AsSpan(dot).Equals(Value.AsSpan(1), StringComparison.OrdinalIgnoreCase),
        SubjectNameKind.Dns => Value.Equals(host, StringComparison.OrdinalIgnoreCase),
        _ => Value == host,
    };
}

/// <summary>A condition on a name.</summary>
/// <param name="Kind">Null: of any kind.</param>
/// <param name="Match">Of an exact text a DNS name may be the wildcard for it.</param>
internal sealed record SubjectNameMatch(SubjectNameKind? Kind, StringMatch Match)
{
    public bool Matches(SubjectName name) =>
        (Kind is null || Kind == name.Kind) && (Match is ExactString { IgnoreCase: false } exact ? name.Covers(exact.Value) : Match.Matches(name.Value));
}
