using System.Buffers;
using System.IO.Pipelines;

namespace Waypoint.Proxy.Filters.ExtAuthz;

/// <summary>The beginning of a request's body, read ahead of whoever forwards it: it stays in the pipe.</summary>
/// <param name="Bytes">What was read.</param>
/// <param name="IsPartial">More may follow.</param>
internal sealed record RequestStart(byte[] Bytes, bool IsPartial)
{
    /// <summary>Reads to the end, or until there are <paramref name="limit"/> bytes.</summary>
    public static async ValueTask<RequestStart> ReadAsync(PipeReader reader, int limit, CancellationToken cancellation)
    {
        while (true)
        {
            var result = await reader.ReadAsync(cancellation).ConfigureAwait(false);
            var buffer = result.Buffer;
            if (result.IsCompleted || buffer.Length >= limit)
            {
                var start = new RequestStart(buffer.Slice(0, Math.Min(buffer.Length, limit)).ToArray(), !result.IsCompleted || buffer.Length > limit);

                // Nothing examined, so that the next read gives the same bytes at once.
                reader.AdvanceTo(buffer.Start, buffer.Start);
                return start;
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }
}
