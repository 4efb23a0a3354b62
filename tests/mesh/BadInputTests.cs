using Waypoint.TestBed.Hostile;
using Waypoint.TestBed.Traffic;

namespace Waypoint.Mesh.Tests;

/// <summary>What must not get through, while everything else does.</summary>
[Collection(WholeMesh.Name)]
public sealed class BadInputTests(DemoMesh demo)
{
    public static TheoryData<string> BrokenFiles => [.. BrokenConfigurations.All.Select(broken => broken.Flaw)];

    public static TheoryData<string> WireInputs => [.. MalformedInputs.All.Select(input => input.Flaw)];

    [Theory]
    [MemberData(nameof(BrokenFiles))]
    public async Task A_broken_file_is_named_with_its_reason_and_changes_nothing(string flaw)
    {
        BrokenConfiguration broken = BrokenConfigurations.All.Single(candidate => candidate.Flaw == flaw);
        demo.Mesh.Config.Save("broken.yaml", broken.Text);
        try
        {
            Assert.True(await demo.Mesh.IsReportedAsync("broken.yaml", broken.Named),
                await demo.Mesh.ControlPlane.GetAsync(new Uri("http://127.0.0.1:15014/debug/status")));
            await AssertMeshWorksAsync();
        }
        finally
        {
            demo.Mesh.Config.Remove("broken.yaml");
        }
    }

    [Theory]
    [MemberData(nameof(WireInputs))]
    public async Task A_malformed_input_is_refused_or_closed_and_the_mesh_works_on(string flaw)
    {
        MalformedInput input = MalformedInputs.All.Single(candidate => candidate.Flaw == flaw);
        MalformedInputVerdict verdict = input.Target == Target.Service
            ? await MalformedInputVerdict.OfAsync(input, demo.Client, "echo.shop", 80)
            : await MalformedInputVerdict.OfAsync(input, demo.Stranger, demo.Mesh["waypoint-a"].Address4.ToString(), 15088);

        Assert.True(verdict.IsClean, verdict.Seen);
        await AssertMeshWorksAsync();
    }

    private async Task AssertMeshWorksAsync() =>
        Assert.Equal(200, (await HttpConnection.OnceAsync(demo.Client, "echo.shop", 80, "GET / HTTP/1.1\r\nHost: echo\r\nConnection: close\r\n\r\n")).Status);
}
