using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Waypoint.Proxy.Hbone;
using Waypoint.Xds.Identity;

namespace Waypoint.Proxy.Admin;

/// <summary>
/// The waypoint's certificate and the roots that it trusts, under the names that istiod's configuration has for them; in
/// <c>/config_dump</c> and in <c>/certs</c>. Keys are never told.
/// </summary>
internal sealed class SecretsDump(HboneIdentity identity)
{
    private const string SecretType = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

    public void Write(DumpItems items)
    {
        if (identity.Workload is not { } workload)
        {
            return;
        }

        if (workload.Current is { } current)
        {
            Write(items, "default", current.Leaf.SerialNumber, current.Leaf.NotBefore, writer =>
            {
                writer.WriteStartObject("tls_certificate");
                WritePem(writer, "certificate_chain", ChainOf(current));
                writer.WriteStartObject("private_key");
                writer.WriteString("inline_bytes", Convert.ToBase64String("[redacted]"u8));
                writer.WriteEndObject();
                writer.WriteEndObject();
            });
        }

        var roots = Roots(workload);
        if (roots.Count > 0)
        {
            Write(items, "ROOTCA", roots[0].SerialNumber, roots[0].NotBefore, writer =>
            {
                writer.WriteStartObject("validation_context");
                WritePem(writer, "trusted_ca", roots);
                writer.WriteEndObject();
            });
        }
    }

    /// <summary>envoy.admin.v3.Certificates.</summary>
    public Task AnswerCertificatesAsync(HttpContext context) => context.WriteJsonAsync(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("certificates");
        if (identity.Workload is { Current: { } current } workload)
        {
            writer.WriteStartObject();
            WriteDetails(writer, "ca_cert", Roots(workload));
            WriteDetails(writer, "cert_chain", ChainOf(current));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    private static void Write(DumpItems items, string name, string version, DateTime since, Action<Utf8JsonWriter> secret) => items.Write(writer =>
    {
        writer.WriteString("name", name);
        writer.WriteString("version_info", version);
        writer.WriteString("last_updated", since.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        writer.WriteStartObject("secret");
        writer.WriteString("@type", SecretType);
        writer.WriteString("name", name);
        secret(writer);
        writer.WriteEndObject();
    });

    private static void WritePem(Utf8JsonWriter writer, string field, X509Certificate2Collection certificates)
    {
        writer.WriteStartObject(field);
        writer.WriteString("inline_bytes", Convert.ToBase64String(Encoding.ASCII.GetBytes(certificates.ExportCertificatePems())));
        writer.WriteEndObject();
    }

    private static void WriteDetails(Utf8JsonWriter writer, string list, X509Certificate2Collection certificates)
    {
        writer.WriteStartArray(list);
        foreach (var certificate in certificates)
        {
            writer.WriteStartObject();
            writer.WriteString("path", "<inline>");
            writer.WriteString("serial_number", certificate.SerialNumber.ToLowerInvariant());
            writer.WriteStartArray("subject_alt_names");
            if (SpiffeId.TryRead(certificate, out var id))
            {
                writer.WriteStartObject();
                writer.WriteString("uri", id.ToString());
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            var days = Math.Max(0, (certificate.NotAfter - DateTime.Now).TotalDays);
            writer.WriteString("days_until_expiration", ((long)days).ToString(CultureInfo.InvariantCulture));
            writer.WriteString("valid_from", certificate.NotBefore.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            writer.WriteString("expiration_time", certificate.NotAfter.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static X509Certificate2Collection ChainOf(WorkloadCertificate certificate) =>
        [certificate.Leaf, .. certificate.Context.IntermediateCertificates];

    // The file of roots is read at each call, and may not be there.
    private static X509Certificate2Collection Roots(WorkloadIdentity workload)
    {
        try
        {
            return workload.Roots;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return [];
        }
    }
}
