using System.Net;
using Waypoint.Proxy.Mesh;

namespace Waypoint.Proxy.Filters.Rbac;

/// <summary>A range of addresses.</summary>
/// <param name="Prefix">Its first address; the rest of the bits zero.</param>
/// <param name="Bits">How many of the 128 bits of an <see cref="AddressKey"/> are its prefix.</param>
internal readonly record struct AddressRange(AddressKey Prefix, int Bits)
{
    public static AddressRange Of(IPAddress address, int length)
    {
        var key = AddressKey.Of(address);
        var bits = key.IsIPv4 ? length + 96 : length;
        return new AddressRange(key.Masked(bits), bits);
    }

    public bool Contains(IPAddress address)
    {
        var key = AddressKey.Of(address);

        // ::/0 is every IPv6 address, and an IPv4 address only looks like one here.
        return Prefix.IsIPv4 == key.IsIPv4 && key.Masked(Bits) == Prefix;
    }
}

/// <summary>The client's real address.</summary>
internal sealed class SourceAddress(AddressRange range) : AccessCondition
{
    public override bool Matches(in AccessRequest request) => range.Contains(request.Source);
}

/// <summary>The client's address as <c>X-Forwarded-For</c> has it, and its real address where that names none. Allocates for the header's address.</summary>
internal sealed class ForwardedAddress(AddressRange range) : AccessCondition
{
    public override bool Matches(in AccessRequest request) =>
        range.Contains(ForwardedFor.Read(request.Head.Headers["x-forwarded-for"], request.TrustedHops) ?? request.Source);
}

/// <summary>The address that the client dialled.</summary>
internal sealed class DestinationAddress(AddressRange range) : AccessCondition
{
    public override bool Matches(in AccessRequest request) => range.Contains(request.Destination.Address);
}

/// <summary>The port that the client dialled is in [<paramref name="start"/>, <paramref name="end"/>).</summary>
internal sealed class DestinationPort(int start, int end) : AccessCondition
{
    public override bool Matches(in AccessRequest request) => request.Destination.Port >= start && request.Destination.Port < end;
}
