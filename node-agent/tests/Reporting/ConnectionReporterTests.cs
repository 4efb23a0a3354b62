using Istio.Workload;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Reconciliation;
using Waypoint.NodeAgent.Reporting;
using Waypoint.NodeAgent.Tests.Maps;
using Waypoint.NodeAgent.Tests.Workloads;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Tests.Reporting;

public sealed class ConnectionReporterTests
{
    private const ulong ClientNamespace = 4711;

    private readonly InMemoryKernelMaps _maps = new();
    private readonly StringWriter _lines = new();
    private readonly Reconciler _reconciler;
    private readonly ConnectionReporter _reporter;

    public ConnectionReporterTests()
    {
        _maps.Pods.Entries[ClientNamespace] = new Pod(PodFlags.None, 0, Address("10.0.0.7"), default);
        _reconciler = new Reconciler(MeshBuilder.Node, _maps, NullLogger<Reconciler>.Instance);
        _reconciler.Apply([Wds.Workload("client", "10.0.0.7"), Wds.Workload("server", "10.0.0.1", "echo"), Wds.Service("echo", "10.96.0.1", 80, 8080)], []);
        _reporter = new ConnectionReporter(_reconciler, new ConnectionLog(_lines, new StoppedClock()));
    }

    [Fact]
    public void A_connection_counts_when_it_opens_and_its_bytes_when_it_ends()
    {
        _reporter.Report([Event(ConnectionEventKind.Opened), Event(ConnectionEventKind.Closed) with { BytesSent = 3, BytesReceived = 7 }]);

        (ConnectionLabels labels, ConnectionTotals totals) = Assert.Single(_reporter.Totals);
        Assert.Equal((1, 1, 0, 3, 7), (totals.Opened, totals.Closed, totals.Failed, totals.FromClient, totals.ToClient));
        Assert.Equal("client", Tag(labels, "source_workload"));
        Assert.Equal("spiffe://cluster.local/ns/shop/sa/server", Tag(labels, "destination_principal"));
        Assert.Equal("echo.shop.svc.cluster.local", Tag(labels, "destination_service"));
        Assert.Equal("-", Tag(labels, "response_flags"));
    }

    [Fact]
    public void A_connection_ends_as_what_it_began_as_though_its_pod_has_left_the_mesh()
    {
        _reporter.Report([Event(ConnectionEventKind.Opened)]);
        _reconciler.Apply([], [MeshBuilder.UidOf("server"), MeshBuilder.KeyOf("echo")]);
        _reporter.Report([Event(ConnectionEventKind.Closed)]);

        ConnectionTotals totals = Assert.Single(_reporter.Totals).Value;
        Assert.Equal((1, 1), (totals.Opened, totals.Closed));
    }

    [Fact]
    public void An_end_whose_beginning_an_earlier_life_saw_is_counted_by_what_is_known_now()
    {
        _reporter.Report([Event(ConnectionEventKind.Closed)]);

        Assert.Equal("server", Tag(Assert.Single(_reporter.Totals).Key, "destination_workload"));
    }

    [Theory]
    [InlineData(ConnectionEventKind.Refused, Counter.RefusedNoBackend, "UH")]
    [InlineData(ConnectionEventKind.Refused, Counter.RefusedNoWaypoint, "UH")]
    [InlineData(ConnectionEventKind.Refused, Counter.RefusedFamily, "CONNECT")]
    [InlineData(ConnectionEventKind.Failed, Counter.Balanced, "CONNECT")]
    public void What_came_to_nothing_says_why(object kind, object reason, string flags)
    {
        _reporter.Report([Event((ConnectionEventKind)kind) with { Reason = (Counter)reason }]);

        (ConnectionLabels labels, ConnectionTotals totals) = Assert.Single(_reporter.Totals);
        Assert.Equal((1, flags), (totals.Failed, Tag(labels, "response_flags")));
        Assert.Contains("connection failed", _lines.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_known_is_unknown()
    {
        _reporter.Report([Event(ConnectionEventKind.Opened) with { Netns = 1, Service = 99, Chosen = Address("192.0.2.1") }]);

        ConnectionLabels labels = Assert.Single(_reporter.Totals).Key;
        Assert.Equal(["unknown", "unknown", "unknown"], new[] { "source_workload", "destination_workload", "destination_service" }.Select(tag => Tag(labels, tag)));
    }

    [Fact]
    public void The_line_of_a_connection_is_in_ztunnels_words()
    {
        _reporter.Report([Event(ConnectionEventKind.Closed) with { BytesSent = 3, BytesReceived = 7, DurationNs = 1_234_567 }]);

        Assert.Equal(
            """
            2026-01-02T03:04:05.000000Z access connection complete src.addr=10.0.0.7:40000 src.workload="client" src.namespace="shop" src.identity="spiffe://cluster.local/ns/shop/sa/client" dst.addr=10.96.0.1:80 dst.connected=10.0.0.1:8080 dst.service="echo.shop.svc.cluster.local" dst.workload="server" dst.namespace="shop" dst.identity="spiffe://cluster.local/ns/shop/sa/server" direction="outbound" bytes_sent=3 bytes_recv=7 duration="1.235ms"

            """,
            _lines.ToString());
    }

    private ConnectionEvent Event(ConnectionEventKind kind) => new(
        TimeNs: 0, Socket: 1, Netns: ClientNamespace, DurationNs: 0, BytesSent: 0, BytesReceived: 0, kind, Counter.Balanced,
        Service: _maps.Frontends.Entries.Values.SingleOrDefault().Service, Backend: 1,
        Address("10.0.0.7"), Address("10.96.0.1"), Address("10.0.0.1"),
        NetworkPort.From(40000), NetworkPort.From(80), NetworkPort.From(8080));

    private static string? Tag(ConnectionLabels labels, string name) => labels.Tags.Single(tag => tag.Key == name).Value as string;

    private static KernelAddress Address(string text) => InternetAddress.Parse(text).ToKernel();

    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    }
}
