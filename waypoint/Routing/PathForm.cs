namespace Waypoint.Proxy.Routing;

/// <summary>In which form the path of a request is read: what is done to it before anything looks at it.</summary>
[Flags]
internal enum PathForm
{
    AsReceived = 0,

    /// <summary>RFC 3986's normal form (<see cref="PathNormalization"/>; HCM <c>normalize_path</c>, istiod's default).</summary>
    Normal = 1,

    /// <summary>Several slashes one after the other are one (HCM <c>merge_slashes</c>).</summary>
    MergedSlashes = 2,

    /// <summary><c>%2F</c> and <c>%5C</c> are what they stand for (HCM <c>path_with_escaped_slashes_action: UNESCAPE_AND_FORWARD</c>).</summary>
    UnescapedSlashes = 4,
}
