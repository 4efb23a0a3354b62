using System.Text.RegularExpressions;
using Waypoint.GatewayApi.Sources.Reading;

namespace Waypoint.GatewayApi.Validation;

/// <summary>The patterns of the API's schemas, each with words that say what is wanted.</summary>
internal static partial class TextRules
{
    /// <summary>RFC 1123 label: a namespace.</summary>
    public static TextRule Label { get; } = new(LabelPattern(), 63, "be lower-case letters, digits and '-', beginning and ending with a letter or digit");

    /// <summary>RFC 1123 subdomain: most objects' names.</summary>
    public static TextRule Subdomain { get; } = new(SubdomainPattern(), 253, "be lower-case letters, digits, '-' and '.', each part beginning and ending with a letter or digit");

    /// <summary>RFC 1035 label: a Service's name.</summary>
    public static TextRule ServiceName { get; } = new(ServiceNamePattern(), 63, "be lower-case letters, digits and '-', beginning with a letter");

    public static TextRule AnyName { get; } = new(AnyNamePattern(), 253, "be 1 to 253 characters");

    public static TextRule Group { get; } = new(GroupPattern(), 253, "be empty or a DNS name");

    public static TextRule Kind { get; } = new(KindPattern(), 63, "begin with a letter and hold only letters, digits and '-'");

    /// <summary>A name of a route, with an optional leading <c>*.</c></summary>
    public static TextRule Hostname { get; } = new(HostnamePattern(), 253, "be a DNS name, optionally beginning with \"*.\"");

    public static TextRule PreciseHostname { get; } = new(SubdomainPattern(), 253, "be a DNS name without wildcard");

    /// <summary>A header or query parameter name (an HTTP token).</summary>
    public static TextRule HeaderName { get; } = new(HeaderNamePattern(), 256, "be an HTTP token (letters, digits and !#$%&'*+-.^_`|~)");

    public static TextRule HeaderValue { get; } = new(HeaderValuePattern(), 4096, "be visible ASCII characters, with single spaces or tabs between");

    public static TextRule QueryValue { get; } = new(AnyNamePattern(), 1024, "be 1 to 1024 characters");

    public static TextRule Duration { get; } = new(DurationPattern(), 24, "be a duration such as 10s, 1m30s or 500ms (GEP-2257)");

    public static TextRule PathValue { get; } = new(AnythingPattern(), 1024, "be at most 1024 characters");

    /// <summary>The name of a container's port.</summary>
    public static TextRule PortName { get; } = new(LabelPattern(), 63, "be lower-case letters, digits and '-'");

    [GeneratedRegex(@"^[a-z0-9]([-a-z0-9]*[a-z0-9])?\z")]
    private static partial Regex LabelPattern();

    [GeneratedRegex(@"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\z")]
    private static partial Regex SubdomainPattern();

    [GeneratedRegex(@"^[a-z]([-a-z0-9]*[a-z0-9])?\z")]
    private static partial Regex ServiceNamePattern();

    [GeneratedRegex(@"^.+\z", RegexOptions.Singleline)]
    private static partial Regex AnyNamePattern();

    [GeneratedRegex(@"^.*\z", RegexOptions.Singleline)]
    private static partial Regex AnythingPattern();

    [GeneratedRegex(@"^\z|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\z")]
    private static partial Regex GroupPattern();

    [GeneratedRegex(@"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?\z")]
    private static partial Regex KindPattern();

    [GeneratedRegex(@"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\z")]
    private static partial Regex HostnamePattern();

    [GeneratedRegex(@"^[A-Za-z0-9!#$%&'*+\-.^_`|~]+\z")]
    private static partial Regex HeaderNamePattern();

    // The possible blank after each run is what the schema's ^[!-~]+([\t ]?[!-~]+)*$ says, without its backtracking.
    [GeneratedRegex(@"^[!-~]+(?:[\t ][!-~]+)*\z")]
    private static partial Regex HeaderValuePattern();

    [GeneratedRegex(@"^([0-9]{1,5}(h|m|s|ms)){1,4}\z")]
    private static partial Regex DurationPattern();
}
