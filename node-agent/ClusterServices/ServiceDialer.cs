using System.Net;
using System.Net.Sockets;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.ClusterServices;

/// <summary>
/// Connects to a service by its endpoints as the Kubernetes API tells them. The agent must depend neither on DNS, which is not served over UDP,
/// nor on the maps: those say what the control plane last said, and when all of its instances have been replaced, that leads to nobody.
/// </summary>
internal sealed class ServiceDialer(ServiceInventory inventory)
{
    /// <exception cref="IOException">There is no such service, or none of its endpoints answers.</exception>
    public async ValueTask<Stream> ConnectAsync(DnsEndPoint destination, CancellationToken cancellation)
    {
        if (KeyOf(destination.Host) is not { } key)
        {
            return await OpenAsync(destination, cancellation).ConfigureAwait(false);
        }

        await inventory.Listed.WaitAsync(cancellation).ConfigureAwait(false);
        ClusterEndpoint[] endpoints = inventory.Find(key)?.Ports
            .Where(port => port.Port == destination.Port)
            .SelectMany(port => port.Endpoints)
            .ToArray() ?? [];
        Random.Shared.Shuffle(endpoints);
        Exception? last = null;
        foreach (ClusterEndpoint endpoint in endpoints)
        {
            try
            {
                return await OpenAsync(new IPEndPoint(endpoint.Address.ToIPAddress(), endpoint.Port), cancellation).ConfigureAwait(false);
            }
            catch (SocketException exception)
            {
                last = exception;
            }
        }

        throw new IOException($"service {key}, port {destination.Port}: {last?.Message ?? "the Kubernetes API knows no endpoint of it"}", last);
    }

    /// <summary><c>NAME.NAMESPACE.svc</c>, whatever the domain behind it; null when the host is something else.</summary>
    private static string? KeyOf(string host) => host.Split('.') is [var name, var @namespace, "svc", ..] ? $"{@namespace}/{name}" : null;

    private static async ValueTask<Stream> OpenAsync(EndPoint endPoint, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endPoint, cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
