using Waypoint.NodeAgent.Enrolment.Labels;
using Waypoint.NodeAgent.Kubernetes.Model;

namespace Waypoint.NodeAgent.Tests.Enrolment.Labels;

public sealed class EnrolmentRuleTests
{
    private static readonly Dictionary<string, string> Ambient = new() { [EnrolmentRule.DataplaneMode] = "ambient" };

    private static readonly Pod Plain = new()
    {
        Metadata = new ObjectMeta { Name = "a", Namespace = "shop" },
        Status = new PodStatus { Phase = "Running", PodIPs = [new PodIP { IP = "10.0.0.1" }] },
    };

    [Fact]
    public void A_pod_is_enrolled_when_it_or_its_namespace_asks_for_it()
    {
        Assert.Equal(EnrolmentVerdict.NotInMesh, EnrolmentRule.Decide(Plain, null));
        Assert.Equal(EnrolmentVerdict.NotInMesh, EnrolmentRule.Decide(Plain, new Dictionary<string, string> { [EnrolmentRule.DataplaneMode] = "none" }));
        Assert.Equal(EnrolmentVerdict.Enrol, EnrolmentRule.Decide(Plain, Ambient));
        Assert.Equal(EnrolmentVerdict.Enrol, EnrolmentRule.Decide(With(label: "ambient"), null));
    }

    [Fact]
    public void A_pod_that_says_none_is_left_out_whatever_its_namespace_says() =>
        Assert.Equal(EnrolmentVerdict.OptedOut, EnrolmentRule.Decide(With(label: "none"), Ambient));

    [Fact]
    public void What_the_kernel_engine_must_not_or_need_not_touch_is_left_out()
    {
        Assert.Equal(EnrolmentVerdict.HostNetwork, EnrolmentRule.Decide(With(label: "ambient") with { Spec = new PodSpec { HostNetwork = true } }, Ambient));
        Assert.Equal(
            EnrolmentVerdict.Waypoint,
            EnrolmentRule.Decide(Plain with { Metadata = Plain.Metadata with { Labels = new Dictionary<string, string> { [EnrolmentRule.GatewayClass] = "istio-waypoint" } } }, Ambient));
        Assert.Equal(
            EnrolmentVerdict.Sidecar,
            EnrolmentRule.Decide(Plain with { Metadata = Plain.Metadata with { Annotations = new Dictionary<string, string> { [EnrolmentRule.SidecarStatus] = "{}" } } }, Ambient));
    }

    [Theory]
    [InlineData("Succeeded", true, EnrolmentVerdict.Ended)]
    [InlineData("Failed", true, EnrolmentVerdict.Ended)]
    [InlineData("Pending", false, EnrolmentVerdict.Starting)]
    [InlineData("Pending", true, EnrolmentVerdict.Enrol)]
    [InlineData("Unknown", true, EnrolmentVerdict.Enrol)]
    internal void A_pod_is_enrolled_from_its_network_to_its_end(string phase, bool hasAddress, EnrolmentVerdict verdict) =>
        Assert.Equal(verdict, EnrolmentRule.Decide(Plain with { Status = new PodStatus { Phase = phase, PodIPs = hasAddress ? Plain.Status.PodIPs : null } }, Ambient));

    [Theory]
    [InlineData(EnrolmentVerdict.Enrol, 1, null, false, "enabled")]
    [InlineData(EnrolmentVerdict.Enrol, 1, "enabled", true, "enabled")]
    [InlineData(EnrolmentVerdict.Enrol, 0, "enabled", true, null)]
    [InlineData(EnrolmentVerdict.NotInMesh, 0, "enabled", false, null)]
    [InlineData(EnrolmentVerdict.OptedOut, 0, null, true, null)]
    [InlineData(EnrolmentVerdict.Ended, 0, "enabled", true, null)]
    internal void The_annotation_follows_what_is_enrolled(EnrolmentVerdict verdict, int cookie, string? has, bool right, string? wanted)
    {
        var meta = new ObjectMeta { Annotations = has is null ? null : new Dictionary<string, string> { [PodAnnotator.Redirection] = has } };
        var pod = new PodEnrolment(meta, verdict, cookie == 0 ? null : (ulong)cookie, null);

        Assert.Equal(right, PodAnnotator.IsRight(pod, out string? value));
        Assert.Equal(wanted, value);
    }

    private static Pod With(string label) => Plain with
    {
        Metadata = Plain.Metadata with { Labels = new Dictionary<string, string> { [EnrolmentRule.DataplaneMode] = label } },
    };
}
