using System.Diagnostics;
using System.Threading.Channels;

namespace Waypoint.GatewayApi.Sources.Folder;

/// <summary>A file that was written, moved or deleted; or, without a path, a tree that must be looked through anew.</summary>
internal readonly record struct FolderEvent(string? Path, bool Gone, long Noticed);

/// <summary>
/// Watches a directory and everything below it. What inotify cannot tell file by file (a new or a moved directory, an overflow,
/// the swapped symbolic link of a mounted ConfigMap) becomes an event without a path.
/// </summary>
internal sealed class FolderWatcher : IDisposable
{
    private const InotifyEvents Wanted =
        InotifyEvents.CloseWrite | InotifyEvents.MovedFrom | InotifyEvents.MovedTo | InotifyEvents.Create | InotifyEvents.Delete |
        InotifyEvents.DeleteSelf | InotifyEvents.MoveSelf;

    // Kubernetes swaps a ConfigMap's content by renaming this link over the old one.
    private const string ConfigMapLink = "..data";

    private readonly Inotify _inotify = new();
    private readonly string _root;
    private readonly Lock _gate = new();
    private readonly Dictionary<int, string> _directories = [];
    private readonly Channel<FolderEvent> _events = Channel.CreateUnbounded<FolderEvent>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Thread _thread;

    public FolderWatcher(string root)
    {
        _root = root;
        WatchTree();
        _thread = new Thread(Run) { IsBackground = true, Name = "folder watch" };
        _thread.Start();
    }

    public ChannelReader<FolderEvent> Events => _events.Reader;

    /// <summary>Watches every directory of the tree; one that is watched already keeps its watch.</summary>
    public void WatchTree()
    {
        lock (_gate)
        {
            foreach (string directory in FolderFiles.Directories(_root))
            {
                int watch = _inotify.Add(directory, Wanted);
                if (watch >= 0)
                {
                    _directories[watch] = directory;
                }
            }
        }
    }

    public void Dispose()
    {
        _inotify.Stop();
        _thread.Join();
        _inotify.Dispose();
    }

    private void Run()
    {
        List<InotifyEvent> events = [];
        while (_inotify.Read(events))
        {
            long now = Stopwatch.GetTimestamp();
            foreach (InotifyEvent happened in events)
            {
                Translate(happened, now);
            }

            events.Clear();
        }

        _events.Writer.TryComplete();
    }

    private void Translate(InotifyEvent happened, long now)
    {
        string? directory;
        lock (_gate)
        {
            _directories.TryGetValue(happened.Watch, out directory);
            if (happened.Events.HasFlag(InotifyEvents.Ignored))
            {
                _directories.Remove(happened.Watch);
                return;
            }
        }

        const InotifyEvents Tree = InotifyEvents.IsDirectory | InotifyEvents.Overflow | InotifyEvents.DeleteSelf | InotifyEvents.MoveSelf;
        if ((happened.Events & Tree) != 0 || directory is null || happened.Name == ConfigMapLink)
        {
            _events.Writer.TryWrite(new FolderEvent(null, false, now));
        }
        else if (FolderFiles.IsObjectFile(happened.Name))
        {
            string path = Path.Combine(directory, happened.Name);
            bool gone = (happened.Events & (InotifyEvents.Delete | InotifyEvents.MovedFrom)) != 0;
            // A regular file is read when it is closed; a link is complete as soon as it is there.
            if (gone || !happened.Events.HasFlag(InotifyEvents.Create) || new FileInfo(path).LinkTarget is not null)
            {
                _events.Writer.TryWrite(new FolderEvent(path, gone, now));
            }
        }
    }
}
