namespace Waypoint.Xds.Delta.Client;

/// <summary>Takes one type's resources into use.</summary>
public interface IResourceHandler
{
    /// <summary>The type, as "type.googleapis.com/istio.workload.Address".</summary>
    string TypeUrl { get; }

    /// <summary>
    /// Applies a change. Updates come one at a time, over all types of a client. What the result does not reject counts as in use: after a
    /// reconnect the server does not send it again. An exception rejects the whole update.
    /// </summary>
    ValueTask<ApplyResult> ApplyAsync(ResourceUpdate update, CancellationToken cancellation);
}

/// <summary>A change to what a client holds of one type.</summary>
/// <param name="Changed">New and changed resources; a name is there once.</param>
/// <param name="Removed">Names that the server has no more. A name that was never held may be among them.</param>
public sealed record ResourceUpdate(IReadOnlyList<ReceivedResource> Changed, IReadOnlyList<string> Removed);

/// <summary>A resource as it came.</summary>
/// <param name="Body">The message's bytes; its type has been checked.</param>
public readonly record struct ReceivedResource(string Name, string Version, Google.Protobuf.ByteString Body, IReadOnlyList<string> Aliases);

/// <summary>A resource that a handler cannot use, and why.</summary>
public readonly record struct Rejection(string Name, string Reason);

/// <summary>What became of an update: accepted, but for the resources that are rejected. A rejection is a NACK that names them.</summary>
public sealed record ApplyResult(IReadOnlyList<Rejection> Rejections)
{
    public static readonly ApplyResult Accepted = new([]);
}
