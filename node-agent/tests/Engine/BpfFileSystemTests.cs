using Waypoint.NodeAgent.Engine;

namespace Waypoint.NodeAgent.Tests.Engine;

public sealed class BpfFileSystemTests
{
    [Fact]
    public void Where_mounting_would_not_last_the_missing_file_system_is_an_error_that_says_what_to_do() => Assert.Equal(
        "/tmp/waypoint is on no BPF file system: mount one on the node (mount -t bpf bpf /sys/fs/bpf)",
        Assert.Throws<KernelEngineException>(() => BpfFileSystem.Ensure("/tmp/waypoint", mount: false)).Message);
}
