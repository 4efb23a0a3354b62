using System.Text.RegularExpressions;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.Rbac;

/// <summary>A header, or a pseudo header such as <c>:method</c>.</summary>
internal sealed class RequestHeader(HeaderMatch match) : AccessCondition
{
    public override bool Matches(in AccessRequest request) => match.Matches(request.Head);
}

/// <summary>The path in its normal form, without the query.</summary>
internal sealed class RequestPath(StringMatch match) : AccessCondition
{
    public override bool Matches(in AccessRequest request) => match.Matches(request.Head.Path);
}

/// <summary>The path in its normal form, without the query, against a template compiled by <see cref="UriTemplate"/>.</summary>
internal sealed class RequestPathTemplate(Regex template) : AccessCondition
{
    public override bool Matches(in AccessRequest request) => template.IsMatch(request.Head.Path);
}

/// <summary>What an earlier filter told.</summary>
internal sealed class ToldBefore(MetadataMatch match) : AccessCondition
{
    public override bool Matches(in AccessRequest request) => match.Matches(request.Metadata);
}
