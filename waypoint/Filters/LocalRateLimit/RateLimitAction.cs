using System.Collections.Immutable;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.LocalRateLimit;

/// <summary>One part of what a request is in the terms of a rate limit.</summary>
internal readonly record struct DescriptorEntry(string Key, string Value);

/// <summary>Makes an entry of a request.</summary>
internal abstract record RateLimitAction
{
    /// <returns>False when the request has no such thing: then there is no descriptor.</returns>
    public abstract bool TryDescribe(Exchange exchange, in RequestHead head, List<DescriptorEntry> entries);
}

internal sealed record DescribeGeneric(string Key, string Value) : RateLimitAction
{
    public override bool TryDescribe(Exchange exchange, in RequestHead head, List<DescriptorEntry> entries)
    {
        entries.Add(new DescriptorEntry(Key, Value));
        return true;
    }
}

/// <param name="Header">A header, or a pseudo header such as <c>:path</c>.</param>
/// <param name="Key">The entry's key.</param>
/// <param name="SkipIfAbsent">Without the header there is a descriptor, without this entry.</param>
internal sealed record DescribeHeader(HeaderMatch Header, string Key, bool SkipIfAbsent) : RateLimitAction
{
    public override bool TryDescribe(Exchange exchange, in RequestHead head, List<DescriptorEntry> entries)
    {
        if (Header.Read(head, out var first, out _) == 0)
        {
            return SkipIfAbsent;
        }

        entries.Add(new DescriptorEntry(Key, first.ToString()));
        return true;
    }
}

internal sealed record DescribeClient : RateLimitAction
{
    public override bool TryDescribe(Exchange exchange, in RequestHead head, List<DescriptorEntry> entries)
    {
        var address = exchange.Destination.Client.Address;
        entries.Add(new DescriptorEntry("remote_address", (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString()));
        return true;
    }
}

internal sealed record DescribeMatch(string Key, string Value, ImmutableArray<HeaderMatch> Headers, bool Expected) : RateLimitAction
{
    public override bool TryDescribe(Exchange exchange, in RequestHead head, List<DescriptorEntry> entries)
    {
        var matches = true;
        foreach (var header in Headers)
        {
            matches &= header.Matches(head);
        }

        if (matches != Expected)
        {
            return false;
        }

        entries.Add(new DescriptorEntry(Key, Value));
        return true;
    }
}

/// <param name="Stage">Filters of this stage count it.</param>
/// <param name="Actions">Make one descriptor together.</param>
internal sealed record RateLimitRule(uint Stage, ImmutableArray<RateLimitAction> Actions);

/// <summary>What a route and its virtual host say.</summary>
/// <param name="Own">The route's.</param>
/// <param name="Host">The virtual host's.</param>
/// <param name="IncludeHost">Both count.</param>
internal sealed record RouteRateLimits(ImmutableArray<RateLimitRule> Own, ImmutableArray<RateLimitRule> Host, bool IncludeHost)
{
    public static RouteRateLimits None { get; } = new([], [], false);
}
