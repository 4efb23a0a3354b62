using System.Diagnostics;
using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Sources.Folder;

/// <summary>
/// What a folder says: its files and the objects in force. An object belongs to the file that had it first; a second file that
/// claims it is refused as a whole until the first gives it up.
/// </summary>
internal sealed class FolderContent(string root)
{
    private readonly SortedDictionary<string, FolderFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<ObjectKey, (FolderFile File, KubernetesObject Object)> _owned = [];

    public string Root { get; } = root;

    /// <summary>The files that have been read, by path.</summary>
    public IReadOnlyCollection<string> Files => _files.Keys;

    public IReadOnlyList<Diagnostic> Diagnostics => [.. _files.Values.SelectMany(file => file.Diagnostics)];

    /// <summary>Reads one file again.</summary>
    public void Read(string path)
    {
        if (!_files.TryGetValue(path, out FolderFile? file))
        {
            _files[path] = file = new FolderFile(path);
        }

        file.Read();
    }

    /// <summary>
    /// Looks through the whole tree and reads what changed, except what was written less than <paramref name="settled"/> ago: it
    /// may be half-written. Returns the files that are not there any more.
    /// </summary>
    public IReadOnlyList<string> Scan(TimeSpan settled)
    {
        HashSet<string> present = [.. FolderFiles.All(Root)];
        foreach (string path in present.Order(StringComparer.Ordinal))
        {
            FolderFile? file = _files.GetValueOrDefault(path);
            if (file is null ? FolderFile.Age(path) >= settled : file.Changed() && FolderFile.Age(path) >= settled)
            {
                Read(path);
            }
        }

        return [.. _files.Keys.Where(path => !present.Contains(path))];
    }

    /// <summary>
    /// Makes what was read the truth as far as it is right, and takes the objects of the files in <paramref name="gone"/> away.
    /// </summary>
    public ObjectBatch Apply(IReadOnlyCollection<string> gone, long noticed)
    {
        Dictionary<ObjectKey, KubernetesObject?> before = [];
        foreach (string path in gone)
        {
            if (_files.Remove(path, out FolderFile? file))
            {
                Release(file, before);
            }
        }

        AcceptCandidates(before);
        List<KubernetesObject> upserts = [];
        List<ObjectKey> removals = [];
        foreach ((ObjectKey key, KubernetesObject? old) in before)
        {
            KubernetesObject? now = _owned.TryGetValue(key, out var owned) ? owned.Object : null;
            if (now is null && old is not null)
            {
                removals.Add(key);
            }
            else if (now is not null && now.Version != old?.Version)
            {
                upserts.Add(now);
            }
        }

        return new ObjectBatch(upserts, removals, noticed == 0 ? Stopwatch.GetTimestamp() : noticed);
    }

    private void AcceptCandidates(Dictionary<ObjectKey, KubernetesObject?> before)
    {
        // One file may wait for another to give an object up, in either order: go round until nobody moves.
        bool moved;
        do
        {
            moved = false;
            foreach (FolderFile file in _files.Values)
            {
                if (file.Candidate is not { } candidate)
                {
                    continue;
                }

                file.Conflict = FindConflict(file, candidate);
                if (file.Conflict is null)
                {
                    Release(file, before);
                    file.Accept();
                    foreach (KubernetesObject accepted in file.InForce)
                    {
                        before.TryAdd(accepted.Key, null);
                        _owned[accepted.Key] = (file, accepted);
                    }

                    moved = true;
                }
            }
        }
        while (moved);
    }

    private Diagnostic? FindConflict(FolderFile file, IReadOnlyList<KubernetesObject> candidate)
    {
        foreach (KubernetesObject claimed in candidate)
        {
            if (_owned.TryGetValue(claimed.Key, out var owned) && owned.File != file)
            {
                return new Diagnostic(
                    Severity.Error, claimed.Location, claimed.Key.ToString(), "", $"is already defined at {owned.Object.Location}");
            }
        }

        return null;
    }

    private void Release(FolderFile file, Dictionary<ObjectKey, KubernetesObject?> before)
    {
        foreach (KubernetesObject old in file.InForce)
        {
            before.TryAdd(old.Key, old);
            _owned.Remove(old.Key);
        }
    }
}
