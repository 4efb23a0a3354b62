namespace Waypoint.Proxy.Xds.Translation;

/// <summary>Something that the configuration asks for and this version does not do.</summary>
/// <param name="Feature">What, such as <c>envoy.filters.http.fault</c>.</param>
/// <param name="Where">In which place of which resource.</param>
internal sealed record UnsupportedFeature(string Feature, string Where);

/// <summary>
/// Where in a resource the translation is, so that an error or a finding can say it. A condition or a destination that cannot be
/// honoured is an error: to ignore it would send requests the wrong way. Anything else is a finding.
/// </summary>
internal sealed class TranslationScope(string resource)
{
    private readonly List<string> _path = [];
    private readonly List<UnsupportedFeature> _unsupported = [];

    public IReadOnlyList<UnsupportedFeature> UnsupportedFeatures => _unsupported;

    /// <summary>Goes into a part of the resource until the answer is disposed.</summary>
    public Part Enter(string part)
    {
        _path.Add(part);
        return new Part(_path);
    }

    /// <summary>An error; the resource itself is named by whoever reports it.</summary>
    public ResourceException Invalid(string field, string reason, Exception? inner = null) =>
        new(string.Join(": ", [.. _path, field, reason]), inner);

    public void Unsupported(string feature) => _unsupported.Add(new UnsupportedFeature(feature, string.Join(": ", [resource, .. _path])));

    /// <summary>Reports <paramref name="feature"/> when it is asked for.</summary>
    public void UnsupportedIf(bool asked, string feature)
    {
        if (asked)
        {
            Unsupported(feature);
        }
    }

    internal readonly struct Part(List<string> path) : IDisposable
    {
        public void Dispose() => path.RemoveAt(path.Count - 1);
    }
}
