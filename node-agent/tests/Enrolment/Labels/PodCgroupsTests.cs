using Waypoint.NodeAgent.Enrolment.Labels;
using Waypoint.NodeAgent.Kubernetes.Model;

namespace Waypoint.NodeAgent.Tests.Enrolment.Labels;

public sealed class PodCgroupsTests : IDisposable
{
    private const string Uid = "675416cb-e20f-40b2-815f-7119508e13d7";
    private readonly string _root = Directory.CreateTempSubdirectory("cgroups").FullName;

    [Theory]
    [InlineData("kubepods/besteffort/pod675416cb-e20f-40b2-815f-7119508e13d7/cce4c859")]
    [InlineData("kubepods/pod675416cb-e20f-40b2-815f-7119508e13d7/cce4c859")]
    [InlineData("kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod675416cb_e20f_40b2_815f_7119508e13d7.slice/cri-containerd-cce4c859.scope")]
    [InlineData("kubepods.slice/kubepods-pod675416cb_e20f_40b2_815f_7119508e13d7.slice/crio-cce4c859.scope/container")]
    [InlineData("kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod675416cb_e20f_40b2_815f_7119508e13d7.slice/cri-containerd-cce4c859.scope")]
    [InlineData("test-cluster/node1/kubepods/burstable/pod675416cb-e20f-40b2-815f-7119508e13d7/cce4c859")]
    public void Both_of_the_kubelets_ways_to_name_a_pods_cgroup_are_known(string cgroup)
    {
        Add(cgroup.Replace("675416cb", "00000000", StringComparison.Ordinal), "1");
        Add(cgroup, "0\n4711\n4712");

        Assert.Equal([4711, 4712], new PodCgroups(_root).ProcessesOf(new ObjectMeta { Uid = Uid }));
    }

    [Fact]
    public void The_root_may_be_the_cgroup_of_the_pods_itself()
    {
        Add($"kubepods/burstable/pod{Uid}", "4711");

        Assert.Equal([4711], new PodCgroups(Path.Combine(_root, "kubepods")).ProcessesOf(new ObjectMeta { Uid = Uid }));
        Assert.Equal([4711], new PodCgroups(Path.Combine(_root, "kubepods", "burstable") + "/").ProcessesOf(new ObjectMeta { Uid = Uid }));
    }

    [Fact]
    public void A_static_pods_cgroup_goes_by_the_hash_of_its_file()
    {
        Add("kubepods/burstable/poda1b2c3", "4711");
        var pod = new ObjectMeta { Uid = Uid, Annotations = new Dictionary<string, string> { ["kubernetes.io/config.hash"] = "a1b2c3" } };

        Assert.Equal([4711], new PodCgroups(_root).ProcessesOf(pod));
    }

    [Fact]
    public void A_class_of_service_that_appears_later_is_found()
    {
        var cgroups = new PodCgroups(_root);
        Assert.Empty(cgroups.ProcessesOf(new ObjectMeta { Uid = Uid }));

        Add($"kubepods/besteffort/pod{Uid}/c", "4711");
        Assert.Equal([4711], cgroups.ProcessesOf(new ObjectMeta { Uid = Uid }));
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private void Add(string cgroup, string processes)
    {
        string path = Path.Combine(_root, cgroup);
        Directory.CreateDirectory(path);
        File.WriteAllText(Path.Combine(path, "cgroup.procs"), processes + "\n");
    }
}
