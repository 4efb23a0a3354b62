using Google.Protobuf;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>Fields that a newer control plane sent and that this version has no name for.</summary>
internal static class UnknownFields
{
    /// <summary>Whether <paramref name="message"/>, or a message within it, has any; not within an <c>Any</c>, which is closed.</summary>
    public static bool In(IMessage message) =>
        message.Descriptor.Parser.WithDiscardUnknownFields(true).ParseFrom(message.ToByteString()).CalculateSize() != message.CalculateSize();
}
