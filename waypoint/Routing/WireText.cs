using System.Text;

namespace Waypoint.Proxy.Routing;

/// <summary>
/// Text as header values are held: one char a byte (Latin-1), so that every byte passes unchanged. Configuration and claims are Unicode, which stands for its
/// UTF-8 bytes.
/// </summary>
internal static class WireText
{
    public static string Of(string text) => Ascii.IsValid(text) ? text : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>The text of a header's value; what is not UTF-8 becomes U+FFFD.</summary>
    public static string Read(string value) => Ascii.IsValid(value) ? value : Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(value));
}
