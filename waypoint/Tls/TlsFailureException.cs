using System.Net.Security;
using System.Security.Authentication;

namespace Waypoint.Proxy.Tls;

/// <summary>A handshake that failed.</summary>
/// <param name="reason">In Envoy's form: <c>TLS_error:|…:TLS_error_end</c>.</param>
internal sealed class TlsFailureException(string reason, Exception? inner = null) : AuthenticationException(reason, inner)
{
    public string Reason { get; } = reason;

    /// <summary>The certificate was not accepted.</summary>
    public static TlsFailureException Verification(string why) =>
        new($"TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify_cert_failed:_{why.Replace(' ', '_')}:TLS_error_end");

    /// <summary>Certificates that the handshake needs have not come.</summary>
    public static TlsFailureException MissingSecret() => new("TLS_error:_Secret_is_not_supplied_by_SDS");

    /// <summary>Reads what <see cref="SslStream"/> threw.</summary>
    public static TlsFailureException Of(Exception exception)
    {
        if (exception is TlsFailureException own)
        {
            return own;
        }

        // The innermost has OpenSSL's own words: error:0A00010B:SSL routines::wrong version number.
        var innermost = exception;
        while (innermost.InnerException is { } inner)
        {
            innermost = inner;
        }

        var name = innermost switch
        {
            IOException => "UNEXPECTED_EOF_WHILE_READING",
            _ when innermost.Message.Split("::") is [_, .., var words] => words.Trim().ToUpperInvariant().Replace(' ', '_'),

            // SslStream reads the first record's header itself.
            _ when innermost.Message.Contains("frame", StringComparison.Ordinal) => "WRONG_VERSION_NUMBER",
            _ => "HANDSHAKE_FAILURE",
        };
        var number = name switch
        {
            "WRONG_VERSION_NUMBER" => "268435703:",
            "SSLV3_ALERT_HANDSHAKE_FAILURE" => "268436496:",
            _ => "",
        };
        return new TlsFailureException($"TLS_error:|{number}SSL_routines:OPENSSL_internal:{name}:TLS_error_end", exception);
    }
}
