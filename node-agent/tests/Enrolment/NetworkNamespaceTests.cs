using Waypoint.NodeAgent.Enrolment;
using Waypoint.NodeAgent.Tests.Hosting;
using Waypoint.TestBed;

namespace Waypoint.NodeAgent.Tests.Enrolment;

[Collection(AgentTestGroup.Name)]
public sealed class NetworkNamespaceTests(AgentBed bed)
{
    [Fact]
    public void A_pod_is_known_by_its_cookie_and_the_addresses_that_others_can_reach()
    {
        EnrolledPod pod = PodRegistry.Inspect(PodRegistry.PathOf(bed.Client.PauseProcess), "client");

        Assert.Equal($"{bed.Client.Address4}, {bed.Client.Address6}", pod.Addresses.ToString());
        Assert.NotEqual(NetworkNamespace.OwnCookie, pod.Cookie);
        Assert.Equal(pod.Cookie, PodRegistry.Inspect(bed.Client.NetworkNamespace, null).Cookie);
    }

    [Fact]
    public void Looking_into_a_namespace_leaves_the_process_where_it_was()
    {
        ulong before = NetworkNamespace.OwnCookie;
        NetworkNamespace.Inspect(bed.Client.NetworkNamespace);

        Assert.True(NetworkNamespace.TryReadCookie("/proc/self/ns/net", out ulong after));
        Assert.Equal(before, after);
    }

    [Fact]
    public async Task A_namespace_is_alive_as_long_as_something_holds_it()
    {
        Pod pod = await bed.Bed.AddPodAsync("brief");
        ulong cookie = NetworkNamespace.Inspect(pod.NetworkNamespace).Cookie;
        Assert.Contains(cookie, LiveNamespaces.Find()!);

        await bed.Bed.RemovePodAsync(pod);
        await Eventually.TrueAsync(() => !LiveNamespaces.Find()!.Contains(cookie), TimeSpan.FromSeconds(5), "the namespace to be gone");
    }

    [Fact]
    public async Task A_mount_holds_a_namespace_without_any_process()
    {
        Pod pod = await bed.Bed.AddPodAsync("mounted");
        ulong cookie = NetworkNamespace.Inspect(pod.NetworkNamespace).Cookie;
        string mount = Path.Combine(bed.Bed.ScratchDirectory, "net space");
        await File.WriteAllTextAsync(mount, "");
        Assert.Equal(0, (await bed.Bed.Node.RunAsync("mount", ["--bind", pod.NetworkNamespace, mount])).ExitCode);
        try
        {
            await bed.Bed.RemovePodAsync(pod);
            Assert.Contains(cookie, LiveNamespaces.Find()!);
        }
        finally
        {
            Assert.Equal(0, (await bed.Bed.Node.RunAsync("umount", [mount])).ExitCode);
        }
    }
}
