using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.Proxy.Hbone;
using Waypoint.Proxy.Hbone.Outbound;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tests.Listening;
using Waypoint.Xds.Tests.Identity;

namespace Waypoint.Proxy.Tests.Hbone;

/// <summary>Our client against Istio's own HBONE server, where someone has provided it.</summary>
[Trait("Needs", "shared")]
public sealed class ForeignServerTests
{
    private const string Program = "/usr/local/bin/istio-echo-server";
    private const string Pod = "spiffe://cluster.local/ns/shop/sa/echo";

    [Fact]
    public async Task Istios_echo_server_answers_through_a_tunnel()
    {
        var authority = new TestAuthority();
        var folder = Directory.CreateTempSubdirectory("hbone");
        var (hbone, http) = (UnusedPort(), UnusedPort());
        var leaf = authority.Issue(Pod);
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "cert.pem"), leaf.ExportCertificatePem() + "\n" + authority.Intermediate.ExportCertificatePem() + "\n");
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "key.pem"), leaf.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "ca.pem"), authority.RootPem);
        var start = new ProcessStartInfo(Program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["--port", $"{http}", "--grpc", $"{UnusedPort()}", "--tcp", $"{UnusedPort()}", "--hbone", $"{hbone}", "--tls", $"{hbone}",
            "--crt", "cert.pem", "--key", "key.pem", "--ca", "ca.pem"])
        {
            start.ArgumentList.Add(argument.EndsWith(".pem", StringComparison.Ordinal) ? Path.Combine(folder.FullName, argument) : argument);
        }

        using var server = Process.Start(start)!;
        server.BeginOutputReadLine();
        server.BeginErrorReadLine();
        try
        {
            await SocketExtensions.UntilAsync(async () => await ListensAsync(hbone) && await ListensAsync(http));
            var workloads = new WorkloadDirectory();
            workloads.Upsert(new Workload { Uid = "echo", Addresses = [IPAddress.Loopback], Namespace = "shop", ServiceAccount = "echo" });
            using var metrics = new HboneMetrics();
            await using var tunnels = new UpstreamTunnels(
                UpstreamHboneMode.Always,
                new HboneIdentity(authority.Identity("spiffe://cluster.local/ns/shop/sa/waypoint")),
                workloads,
                "k8s.namespace.name=shop",
                new TunnelRefusals(metrics, NullLogger<TunnelRefusals>.Instance),
                address => new IPEndPoint(address, hbone));
            var opened = await tunnels.OpenAsync(new IPEndPoint(IPAddress.Loopback, http), IPEndPoint.Parse("10.1.2.3:4711"), CancellationToken.None);
            await using var stream = new OutboundDuplexStream(opened!);
            await stream.WriteAsync(Encoding.ASCII.GetBytes("GET /x HTTP/1.1\r\nHost: echo\r\nConnection: close\r\n\r\n"));
            using var reader = new StreamReader(stream);
            var answer = await reader.ReadToEndAsync().WaitAsync(SocketExtensions.Patience);
            Assert.StartsWith("HTTP/1.1 200 OK", answer, StringComparison.Ordinal);
            Assert.Contains("URL=/x", answer, StringComparison.Ordinal);
        }
        finally
        {
            server.Kill();
            folder.Delete(recursive: true);
        }
    }

    private static async Task<bool> ListensAsync(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int UnusedPort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
