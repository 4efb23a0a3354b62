using System.Xml.Linq;
using Waypoint.TestBed;
using Xunit.Abstractions;

namespace Waypoint.Mesh.Tests.ForeignClients;

/// <summary>HTTP/2 conformance of the waypoint, as h2spec sees it from a client's pod.</summary>
[Collection(WholeMesh.Name)]
[Trait("Needs", "shared")]
public sealed class H2SpecTests(DemoMesh demo, ITestOutputHelper output)
{
    /// <summary>The cases that fail, each with its reason. A case that is repaired must leave the list.</summary>
    private static readonly Dictionary<string, string> Known = new()
    {
        ["http2/3.5 Sends invalid connection preface"] =
            "the port speaks both versions: what is no preface of HTTP/2 is read as HTTP/1.1, and gets its 400 before the close",
    };

    [Fact]
    public async Task The_waypoint_conforms_but_for_known_cases()
    {
        string report = Path.Combine(demo.Mesh.Bed.ScratchDirectory, "h2spec.xml");
        ProcessResult h2spec = await demo.Client.RunAsync(
            "h2spec", ["--host=echo.shop", "--port=80", "--timeout=5", $"--junit-report={report}"], TimeSpan.FromMinutes(4));
        // Its report repeats what failed at the end.
        output.WriteLine(h2spec.Output[Math.Max(0, h2spec.Output.LastIndexOf("Failures:", StringComparison.Ordinal))..]);

        IEnumerable<string> failed = XDocument.Load(report).Descendants("testcase")
            .Where(test => test.Element("failure") is not null || test.Element("error") is not null)
            .Select(test => $"{test.Attribute("package")!.Value} {test.Attribute("classname")!.Value}");
        Assert.Equal(Known.Keys.Order(), failed.Order());
    }
}
