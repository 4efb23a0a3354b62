using System.Collections.Concurrent;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Reconciliation;

namespace Waypoint.NodeAgent.Reporting;

/// <summary>Adds the kernel's connection events up to totals, and writes a line for each connection that ends when asked to.</summary>
internal sealed class ConnectionReporter(Reconciler reconciler, ConnectionLog? log)
{
    // When many "closed" events were lost (the ring buffer was full) their "opened" stay behind; forgetting all costs labels, never counts.
    private const int MaxOpen = 262_144;

    private readonly ConcurrentDictionary<ConnectionLabels, ConnectionTotals> _totals = [];

    // By the socket's cookie. A pod is often gone from the mesh by the time that its connections end: they count as what they began as.
    private readonly Dictionary<ulong, ConnectionLabels> _open = [];

    public IEnumerable<KeyValuePair<ConnectionLabels, ConnectionTotals>> Totals => _totals;

    /// <summary>Called by one thread at a time.</summary>
    public void Report(ReadOnlySpan<ConnectionEvent> events)
    {
        ConnectionEvent[] batch = events.ToArray();
        ConnectionLabels[] labels = reconciler.Read(state => Array.ConvertAll(batch, connection => ConnectionLabels.Of(state, connection)));
        for (int i = 0; i < batch.Length; i++)
        {
            Report(batch[i], labels[i]);
        }
    }

    private void Report(in ConnectionEvent connection, ConnectionLabels labels)
    {
        switch (connection.Kind)
        {
            case ConnectionEventKind.Opened:
                if (_open.Count >= MaxOpen)
                {
                    _open.Clear();
                }

                _open[connection.Socket] = labels;
                TotalsOf(labels).Open();
                break;
            case ConnectionEventKind.Closed:
                if (_open.Remove(connection.Socket, out ConnectionLabels? opened))
                {
                    labels = opened;
                }

                TotalsOf(labels).Close(connection.BytesSent, connection.BytesReceived);
                log?.Write(connection, labels);
                break;
            default:
                TotalsOf(labels).Fail();
                log?.Write(connection, labels);
                break;
        }
    }

    private ConnectionTotals TotalsOf(ConnectionLabels labels) => _totals.GetOrAdd(labels, _ => new ConnectionTotals());
}
