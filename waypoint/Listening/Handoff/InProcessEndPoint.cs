using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Waypoint.Proxy.Listening.Handoff;

/// <summary>Where Kestrel "listens" for the connections that the listening plane hands over: one place per HTTP version.</summary>
internal sealed class InProcessEndPoint(HttpProtocols protocols) : EndPoint
{
    public HttpProtocols Protocols => protocols;

    public override string ToString() => $"in-process-{protocols}";
}
