using System.IO.Pipelines;

namespace Waypoint.Proxy.Hbone.Outbound;

/// <summary>A stream of a <see cref="TunnelSession"/>. What the session's lock guards is marked so.</summary>
internal sealed class OutboundStream : ITunnelStream
{
    // No limit here: the peer's flow control is the limit.
    private static readonly PipeOptions Unlimited = new(pauseWriterThreshold: 0, useSynchronizationContext: false);

    private readonly TunnelSession _session;

    public OutboundStream(TunnelSession session, int id, long sendWindow)
    {
        _session = session;
        Id = id;
        SendWindow = sendWindow;
        Input = new CreditedReader(Received.Reader, count => session.Consumed(this, count), () => session.Abandon(this));
    }

    public int Id { get; }

    public PipeReader Input { get; }

    /// <summary>The status of the answer.</summary>
    public TaskCompletionSource<int> Status { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What came and was not read yet; written by the session's reading loop alone.</summary>
    public Pipe Received { get; } = new(Unlimited);

    /// <summary>Guarded. What the peer still takes.</summary>
    public long SendWindow { get; set; }

    /// <summary>Guarded. What we still take.</summary>
    public long ReceiveWindow { get; set; } = TunnelSession.StreamWindow;

    /// <summary>Guarded. Read and not told to the peer yet.</summary>
    public int Credit { get; set; }

    /// <summary>Guarded. Received and not read yet.</summary>
    public int Unread { get; set; }

    /// <summary>Guarded. What is to be sent.</summary>
    public ReadOnlyMemory<byte> Pending { get; set; }

    /// <summary>Guarded. Whom to tell when it is sent.</summary>
    public TaskCompletionSource? Writing { get; set; }

    /// <summary>Guarded. It waits for its turn to send.</summary>
    public bool IsQueued { get; set; }

    public bool EndRequested { get; set; }

    public bool EndSent { get; set; }

    public bool EndReceived { get; set; }

    /// <summary>Guarded. Reset by either side, or its connection is over.</summary>
    public bool IsClosed { get; set; }

    /// <summary>Guarded. Nobody reads any more; when that began.</summary>
    public long? AbandonedAt { get; set; }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes) => _session.WriteAsync(this, bytes);

    public ValueTask EndAsync()
    {
        _session.End(this);
        return ValueTask.CompletedTask;
    }

    public void Reset() => _session.Reset(this, Http2Error.Connect);

    /// <summary>Nobody wants it any more.</summary>
    public void Cancel() => _session.Reset(this, Http2Error.Cancel);
}
