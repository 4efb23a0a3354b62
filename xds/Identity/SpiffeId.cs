using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Waypoint.Xds.Identity;

/// <summary>Who a workload is, in Istio's form of a SPIFFE id: <c>spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/SERVICE_ACCOUNT</c>.</summary>
public sealed record SpiffeId(string TrustDomain, string Namespace, string ServiceAccount)
{
    private const string Scheme = "spiffe://";
    private const string SubjectAlternativeName = "2.5.29.17";

    // GeneralName's uniformResourceIdentifier (RFC 5280, section 4.2.1.6).
    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);

    /// <summary>False for anything that is not exactly of that form: no other path, no empty part, no query.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out SpiffeId? id)
    {
        id = null;
        if (text is null || !text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) || text.AsSpan().IndexOfAny('?', '#', '%') >= 0)
        {
            return false;
        }

        if (text[Scheme.Length..].Split('/') is not [{ Length: > 0 } domain, "ns", { Length: > 0 } ns, "sa", { Length: > 0 } account])
        {
            return false;
        }

        // The trust domain is a URI's authority: case does not matter, and the normal form is lower case.
        id = new SpiffeId(domain.ToLowerInvariant(), ns, account);
        return true;
    }

    /// <summary>Reads the id from a certificate. A certificate names one identity: with two URIs it names none (SPIFFE X509-SVID, section 2).</summary>
    public static bool TryRead(X509Certificate2 certificate, [NotNullWhen(true)] out SpiffeId? id)
    {
        id = null;
        string? uri = null;
        try
        {
            foreach (var extension in certificate.Extensions.Where(e => e.Oid?.Value == SubjectAlternativeName))
            {
                var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
                while (names.HasData)
                {
                    if (!names.PeekTag().HasSameClassAndValue(UriTag))
                    {
                        names.ReadEncodedValue();
                        continue;
                    }

                    if (uri is not null)
                    {
                        return false;
                    }

                    uri = names.ReadCharacterString(UniversalTagNumber.IA5String, UriTag);
                }
            }
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException)
        {
            return false;
        }

        return TryParse(uri, out id);
    }

    public override string ToString() => $"{Scheme}{TrustDomain}/ns/{Namespace}/sa/{ServiceAccount}";
}
