namespace Waypoint.Proxy.Xds.Translation;

/// <summary>A resource that cannot be used; the message names the place in it and the reason, and goes back in the NACK.</summary>
internal sealed class ResourceException(string message, Exception? inner = null) : Exception(message, inner);
