using System.Net;
using Microsoft.AspNetCore.Http;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.Rbac;

/// <summary>Who wants what: all that a rule can look at. A view, without a copy of anything.</summary>
internal readonly ref struct AccessRequest
{
    private static readonly HeaderDictionary NoHeaders = [];

    /// <summary>The address and port that the client dialled.</summary>
    public required IPEndPoint Destination { get; init; }

    /// <summary>The client's real address.</summary>
    public required IPAddress Source { get; init; }

    /// <summary>The client's SPIFFE URI; null when nobody knows it.</summary>
    public string? Principal { get; init; }

    public required DynamicMetadata Metadata { get; init; }

    /// <summary>Empty for a connection that carries no HTTP.</summary>
    public RequestHead Head { get; init; } = RequestHead.Create("", "", "", NoHeaders, PathForm.AsReceived);

    /// <summary>How many addresses at the end of <c>X-Forwarded-For</c> are proxies'.</summary>
    public int TrustedHops { get; init; }

    /// <summary>The name that the client's TLS asked for: empty when there is no TLS, null when that is not known.</summary>
    public string? ServerName { get; init; }

    public AccessRequest()
    {
    }
}
