using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Sources;
using Waypoint.GatewayApi.Sources.Folder;

namespace Waypoint.GatewayApi.Tests.Sources;

/// <summary>A watched folder: what each way of changing a file does.</summary>
public sealed class FolderSourceTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TestFolder _folder = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<ObjectBatch> _batches = Channel.CreateUnbounded<ObjectBatch>();
    private FolderSource _source = null!;
    private Task _loop = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _folder.Write("routes.yaml", Route("first"));
        _source = new FolderSource(_folder.Root, NullLogger.Instance);
        _loop = RunAsync();
        Assert.Equal("first", RuleName(await NextAsync()));
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop.WaitAsync(Patience);
        _stop.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_file_that_is_written_is_read_when_it_is_closed()
    {
        _folder.Write("routes.yaml", Route("second"));

        Assert.Equal("second", RuleName(await NextAsync()));
    }

    [Fact]
    public async Task A_file_that_another_is_renamed_over_is_read()
    {
        _folder.RenameOver("routes.yaml", Route("second"));

        Assert.Equal("second", RuleName(await NextAsync()));
    }

    [Fact]
    public async Task A_new_file_is_read_also_in_a_new_directory()
    {
        Directory.CreateDirectory(_folder.PathOf("new"));
        _folder.Write("new/other.yaml", Route("other", "other"));

        Assert.Equal("other", (await NextAsync()).Upserts.Single().Name);
    }

    [Fact]
    public async Task A_file_that_is_deleted_takes_its_objects_along()
    {
        _folder.Delete("routes.yaml");

        Assert.Equal("route", (await NextAsync()).Removals.Single().Name);
    }

    [Fact]
    public async Task A_file_that_an_editor_moves_away_and_writes_anew_never_leaves_its_objects_out()
    {
        File.Move(_folder.PathOf("routes.yaml"), _folder.PathOf("routes.yaml~"));
        _folder.Write("routes.yaml", Route("second"));

        ObjectBatch batch = await NextAsync();

        Assert.Empty(batch.Removals);
        Assert.Equal("second", RuleName(batch));
    }

    [Fact]
    public async Task A_file_that_is_emptied_keeps_what_it_said()
    {
        _folder.Write("routes.yaml", "");

        await UntilAsync(() => _source.Diagnostics.Count > 0);

        Assert.Equal("is empty; its 1 objects stay in force until it is filled or deleted", _source.Diagnostics.Single().Reason);
        await NothingMoreAsync();
    }

    [Fact]
    public async Task A_file_that_is_half_written_is_not_looked_at()
    {
        string text = Route("second");
        await using (FileStream file = new(_folder.PathOf("routes.yaml"), FileMode.Create, FileAccess.Write, FileShare.Read))
        {
            // A half that is valid YAML by itself: only its being closed tells that it is complete.
            await file.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text[..text.IndexOf("spec:", StringComparison.Ordinal)]));
            await file.FlushAsync();
            await NothingMoreAsync();
            await file.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text[text.IndexOf("spec:", StringComparison.Ordinal)..]));
        }

        Assert.Equal("second", RuleName(await NextAsync()));
        Assert.Empty(_source.Diagnostics);
    }

    [Fact]
    public async Task A_wrong_edit_changes_nothing_and_says_where_it_is_wrong_until_it_is_mended()
    {
        _folder.Write("routes.yaml", TestMesh.HttpRoute("- matches: [{path: {value: nope}}]"));
        await UntilAsync(() => _source.Diagnostics.Count > 0);

        Assert.Equal(
            $"{_folder.PathOf("routes.yaml")}:7: HTTPRoute shop/route: spec.rules[0].matches[0].path.value: \"nope\" must begin with '/'",
            _source.Diagnostics.Single().ToString());
        await NothingMoreAsync();

        _folder.Write("routes.yaml", Route("second"));
        Assert.Equal("second", RuleName(await NextAsync()));
        Assert.Empty(_source.Diagnostics);
    }

    [Fact]
    public async Task A_change_of_layout_is_no_change()
    {
        _folder.Write("routes.yaml", "# a comment\n\n" + Route("first"));
        await NothingMoreAsync();

        _folder.Write("routes.yaml", Route("second"));
        Assert.Equal("second", RuleName(await NextAsync()));
    }

    [Fact]
    public async Task A_mounted_ConfigMap_is_read_when_its_link_is_swapped()
    {
        foreach ((string version, string name) in new[] { ("..one", "before"), ("..two", "after") })
        {
            Directory.CreateDirectory(_folder.PathOf(version));
            _folder.Write($"{version}/mounted.yaml", Route(name, "mounted"));
        }

        File.CreateSymbolicLink(_folder.PathOf("..data"), "..one");
        File.CreateSymbolicLink(_folder.PathOf("mounted.yaml"), Path.Combine("..data", "mounted.yaml"));
        Assert.Equal("before", RuleName(await NextAsync()));

        File.CreateSymbolicLink(_folder.PathOf("..data_tmp"), "..two");
        // File.Move would follow the link; kubelet renames the link itself.
        using (Process move = Process.Start("mv", ["-T", _folder.PathOf("..data_tmp"), _folder.PathOf("..data")]))
        {
            await move.WaitForExitAsync();
        }

        Assert.Equal("after", RuleName(await NextAsync()));
    }

    private static string Route(string rule, string name = "route") => TestMesh.HttpRoute($"- name: {rule}", name);

    private static string? RuleName(ObjectBatch batch) => Assert.IsType<RequestRoute>(Assert.Single(batch.Upserts)).Rules[0].Name;

    private async Task RunAsync()
    {
        try
        {
            await foreach (ObjectBatch batch in _source.ReadAsync(_stop.Token))
            {
                await _batches.Writer.WriteAsync(batch);
            }
        }
        catch (OperationCanceledException)
        {
            _batches.Writer.Complete();
        }
    }

    private async Task<ObjectBatch> NextAsync() => await _batches.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    /// <summary>A change of another file comes next: so nothing came of what was done before it.</summary>
    private async Task NothingMoreAsync()
    {
        string name = $"n{Guid.NewGuid():N}"[..12];
        _folder.Write("marker.yaml", $"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");

        ObjectBatch batch = await NextAsync();

        Assert.Equal(name, Assert.Single(batch.Upserts).Name);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using CancellationTokenSource deadline = new(Patience);
        while (!condition())
        {
            deadline.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
