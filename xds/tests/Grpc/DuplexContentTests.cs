using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Tests.Grpc;

public sealed class DuplexContentTests
{
    [Fact]
    public async Task Who_writes_learns_that_the_stream_was_reset_before_it_could_be_written_to()
    {
        using var content = new DuplexContent();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => content.CopyToAsync(new MemoryStream(), new CancellationToken(canceled: true)));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => content.Writer.WaitAsync(TimeSpan.FromSeconds(5)));
    }
}
