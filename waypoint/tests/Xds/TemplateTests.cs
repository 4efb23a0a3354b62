using System.Reflection;
using Google.Protobuf;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tls;
using Waypoint.Proxy.Xds.Translation;
using static Waypoint.Proxy.Tests.Xds.IstiodShapes;

namespace Waypoint.Proxy.Tests.Xds;

/// <summary>Templates live as long as what is made of them. The messages that they come from, thousands of many kilobytes, do not.</summary>
public sealed class TemplateTests
{
    [Fact]
    public void A_chain_keeps_nothing_of_its_message()
    {
        var translator = new FilterChainTranslator(name => new ClusterSlot(name), Catalogue.Whole, new WorkloadDirectory());
        AssertKeepsNoMessage(translator.Translate(HttpChain("h", Route("r", "c")), "main_internal").Http!);
    }

    [Fact]
    public void A_cluster_keeps_nothing_of_its_message()
    {
        var states = new EndpointStates(HealthClock.System);
        var translator = new ClusterTranslator(new EndpointTranslator(states), new SecretStore(), states.Clock);
        AssertKeepsNoMessage(translator.Translate(EdsCluster("c"), new TranslationScope("Cluster 'c'"))!.With);
    }

    private static void AssertKeepsNoMessage(Delegate make)
    {
        var captured = make.Target!.GetType().GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
        Assert.NotEmpty(captured);
        Assert.DoesNotContain(captured, field => field.FieldType.IsAssignableTo(typeof(IMessage)));
    }
}
