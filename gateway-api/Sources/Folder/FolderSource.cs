using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Sources.Folder;

/// <summary>Objects from a folder of YAML files, live: a saved edit is a batch a few milliseconds later.</summary>
internal sealed partial class FolderSource(string root, ILogger logger) : IObjectSource
{
    // Long enough for the events of one `mv` or of an editor's save to arrive together.
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(2);

    // Editors move a file away before they write the new one; the objects must not vanish in between.
    private static readonly TimeSpan RemovalGrace = TimeSpan.FromMilliseconds(100);

    // For what inotify never reports: a network file system, or a directory that was replaced as a whole.
    private static readonly TimeSpan FullScan = TimeSpan.FromSeconds(5);

    // A file that no event spoke of is taken for complete when it was left alone this long.
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(1);

    private readonly FolderContent _content = new(root);
    private readonly Dictionary<string, long> _missing = [];
    private volatile IReadOnlyList<Diagnostic> _diagnostics = [];

    public IReadOnlyList<Diagnostic> Diagnostics => _diagnostics;

    public async IAsyncEnumerable<ObjectBatch> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        using FolderWatcher watcher = new(root);
        _content.Scan(TimeSpan.Zero);
        yield return Apply([], 0);

        while (!cancellation.IsCancellationRequested)
        {
            await WaitAsync(watcher, cancellation).ConfigureAwait(false);
            long noticed = TakeEvents(watcher);
            IReadOnlyList<string> gone = Overdue();
            ObjectBatch batch = Apply(gone, noticed);
            if (!batch.IsEmpty)
            {
                yield return batch;
            }
        }
    }

    private async ValueTask WaitAsync(FolderWatcher watcher, CancellationToken cancellation)
    {
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(_missing.Count > 0 ? RemovalGrace : FullScan);
        try
        {
            await watcher.Events.WaitToReadAsync(deadline.Token).ConfigureAwait(false);
            await Task.Delay(Gather, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            if (_missing.Count == 0)
            {
                Rescan(watcher, Settled);
            }
        }
    }

    /// <summary>Reads what the waiting events tell of; returns when the first was noticed, or 0.</summary>
    private long TakeEvents(FolderWatcher watcher)
    {
        long first = 0;
        bool rescan = false;
        HashSet<string> written = [];
        while (watcher.Events.TryRead(out FolderEvent happened))
        {
            first = first == 0 ? happened.Noticed : first;
            if (happened.Path is null)
            {
                rescan = true;
            }
            else if (happened.Gone)
            {
                _missing.TryAdd(happened.Path, happened.Noticed);
            }
            else
            {
                written.Add(happened.Path);
            }
        }

        foreach (string path in written.Order(StringComparer.Ordinal))
        {
            _content.Read(path);
        }

        if (rescan)
        {
            Rescan(watcher, TimeSpan.Zero);
        }

        return first;
    }

    private void Rescan(FolderWatcher watcher, TimeSpan settled)
    {
        if (!Directory.Exists(root))
        {
            // An unmounted volume is no reason to take the mesh's configuration away.
            return;
        }

        watcher.WatchTree();
        foreach (string path in _content.Scan(settled))
        {
            _missing.TryAdd(path, Stopwatch.GetTimestamp());
        }
    }

    private List<string> Overdue()
    {
        List<string> gone = [];
        foreach ((string path, long since) in _missing)
        {
            if (File.Exists(path) || !Directory.Exists(root))
            {
                _missing.Remove(path);
            }
            else if (Stopwatch.GetElapsedTime(since) >= RemovalGrace)
            {
                _missing.Remove(path);
                gone.Add(path);
            }
        }

        return gone;
    }

    private ObjectBatch Apply(IReadOnlyList<string> gone, long noticed)
    {
        ObjectBatch batch = _content.Apply(gone, noticed);
        IReadOnlyList<Diagnostic> diagnostics = _content.Diagnostics;
        if (!Directory.Exists(root))
        {
            diagnostics = [.. diagnostics, new Diagnostic(Severity.Error, new SourceLocation(root, 0), "", "", "the folder is gone; what it said stays in force")];
        }

        HashSet<Diagnostic> known = [.. _diagnostics];
        foreach (Diagnostic diagnostic in diagnostics.Where(diagnostic => !known.Contains(diagnostic)))
        {
            Report(diagnostic);
        }

        _diagnostics = diagnostics;
        return batch;
    }

    private void Report(Diagnostic diagnostic)
    {
        switch (diagnostic.Severity)
        {
            case Severity.Error:
                LogRefused(logger, diagnostic.ToString());
                break;
            case Severity.Warning:
                LogDoubt(logger, diagnostic.ToString());
                break;
            default:
                LogNotice(logger, diagnostic.ToString());
                break;
        }
    }

    [LoggerMessage(1, LogLevel.Error, "{Problem}")]
    private static partial void LogRefused(ILogger logger, string problem);

    [LoggerMessage(2, LogLevel.Warning, "{Problem}")]
    private static partial void LogDoubt(ILogger logger, string problem);

    [LoggerMessage(3, LogLevel.Information, "{Problem}")]
    private static partial void LogNotice(ILogger logger, string problem);
}
