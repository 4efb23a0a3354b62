using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Google.Protobuf;

namespace Waypoint.Xds.Grpc;

/// <summary>A message on the wire: a flag (1 = compressed), its length in four bytes, then its bytes.</summary>
internal static class MessageFraming
{
    private const int HeaderLength = 5;

    public static ValueTask<FlushResult> WriteAsync(PipeWriter writer, IMessage message, CancellationToken cancellation)
    {
        var header = writer.GetSpan(HeaderLength);
        header[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(header[1..], message.CalculateSize());
        writer.Advance(HeaderLength);
        message.WriteTo(writer);
        return writer.FlushAsync(cancellation);
    }

    /// <summary>Reads one message; null at the end of the stream.</summary>
    /// <param name="encoding">The peer's grpc-encoding; null when it named none.</param>
    /// <exception cref="GrpcException">The message is too long, compressed, cut off or not what the method takes.</exception>
    public static async ValueTask<T?> ReadAsync<T>(
        PipeReader reader, MessageParser<T> parser, int maximumLength, string? encoding, CancellationToken cancellation)
        where T : class, IMessage<T>
    {
        while (true)
        {
            var result = await reader.ReadAsync(cancellation).ConfigureAwait(false);
            var buffer = result.Buffer;
            if (TryReadLength(buffer, maximumLength, encoding, out var length) && buffer.Length - HeaderLength >= length)
            {
                var body = buffer.Slice(HeaderLength, length);
                try
                {
                    return parser.ParseFrom(body);
                }
                catch (InvalidProtocolBufferException e)
                {
                    throw new GrpcException(GrpcStatusCode.Internal, $"the message is not a {typeof(T).Name}: {e.Message}", e);
                }
                finally
                {
                    reader.AdvanceTo(body.End);
                }
            }

            if (result.IsCompleted || result.IsCanceled)
            {
                var rest = buffer.Length;
                reader.AdvanceTo(buffer.End);
                return rest == 0 ? null : throw new GrpcException(GrpcStatusCode.Internal, $"the stream ended {rest} bytes into a message");
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private static bool TryReadLength(in ReadOnlySequence<byte> buffer, int maximumLength, string? encoding, out int length)
    {
        length = 0;
        if (buffer.Length < HeaderLength)
        {
            return false;
        }

        Span<byte> header = stackalloc byte[HeaderLength];
        buffer.Slice(0, HeaderLength).CopyTo(header);
        if (header[0] != 0)
        {
            // The protocol tells an encoding that we lack (UNIMPLEMENTED) from a flag that contradicts the headers (INTERNAL).
            throw header[0] == 1 && encoding is not (null or "identity")
                ? new GrpcException(GrpcStatusCode.Unimplemented, $"messages compressed by {encoding} are not supported")
                : new GrpcException(GrpcStatusCode.Internal, $"a message has the flag {header[0]} and grpc-encoding names no compression");
        }

        var unsigned = BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        if (unsigned > (uint)maximumLength)
        {
            throw new GrpcException(GrpcStatusCode.ResourceExhausted, $"a message of {unsigned} bytes is longer than the limit of {maximumLength}");
        }

        length = (int)unsigned;
        return true;
    }
}
