using System.Net;
using Waypoint.Xds.Identity;

namespace Waypoint.Proxy.Hbone.Inbound;

/// <summary>Who is at the other end of an HBONE connection: a feature of it, for each of its streams to read.</summary>
internal sealed record TunnelPeer(SpiffeId Id, IPEndPoint Remote, IPEndPoint Local);
