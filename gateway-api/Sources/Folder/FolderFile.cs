using System.Text;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Sources.Reading;
using Waypoint.GatewayApi.Sources.Yaml;

namespace Waypoint.GatewayApi.Sources.Folder;

/// <summary>
/// One file of the folder: what of it is in force, and what its newest text would say. An error leaves what is in force
/// as it was.
/// </summary>
internal sealed class FolderFile(string path)
{
    // Far above any honest file; a mistaken copy of a disk image should not fill the memory.
    private const long MaximumBytes = 64 * 1024 * 1024;

    private static readonly UTF8Encoding StrictUtf8 = new(false, true);

    private (DateTime Written, long Length) _stamp;
    private List<Diagnostic> _diagnostics = [];

    public string Path { get; } = path;

    /// <summary>The objects that count.</summary>
    public IReadOnlyList<KubernetesObject> InForce { get; private set; } = [];

    /// <summary>The objects of a newer text, without errors of its own, that waits to be accepted; otherwise null.</summary>
    public IReadOnlyList<KubernetesObject>? Candidate { get; private set; }

    /// <summary>Why the candidate cannot be accepted now: another file has one of its objects.</summary>
    public Diagnostic? Conflict { get; set; }

    public IEnumerable<Diagnostic> Diagnostics => Conflict is null ? _diagnostics : [.. _diagnostics, Conflict];

    public void Accept()
    {
        InForce = Candidate ?? InForce;
        Candidate = null;
        Conflict = null;
    }

    /// <summary>Whether the file looks different from when it was last read.</summary>
    public bool Changed() => Stamp(Path) != _stamp;

    /// <summary>Reads the file and, unless there is an error in it, makes what it says the candidate.</summary>
    public void Read()
    {
        List<Diagnostic> diagnostics = [];
        List<KubernetesObject> objects = [];
        _stamp = Stamp(Path);
        string? text = ReadText(diagnostics);
        if (text is not null)
        {
            Parse(text, objects, diagnostics);
        }

        bool failed = diagnostics.Any(diagnostic => diagnostic.Severity == Severity.Error);
        if (!failed && objects.Count == 0 && InForce.Count > 0 && string.IsNullOrWhiteSpace(text))
        {
            // Shells and editors empty a file before they fill it. Nobody needs an empty file to say "nothing": that is what deleting it says.
            diagnostics.Add(Error(0, $"is empty; its {InForce.Count} objects stay in force until it is filled or deleted"));
            failed = true;
        }

        _diagnostics = diagnostics;
        Conflict = null;
        Candidate = failed ? null : objects;
    }

    /// <summary>How long ago a file was last written.</summary>
    public static TimeSpan Age(string path) => DateTime.UtcNow - Stamp(path).Written;

    private static (DateTime Written, long Length) Stamp(string path)
    {
        try
        {
            FileInfo info = new(path);
            // A link's own time never changes; what counts is the file it leads to.
            FileSystemInfo target = info.ResolveLinkTarget(true) ?? info;
            return target is FileInfo { Exists: true } file ? (file.LastWriteTimeUtc, file.Length) : default;
        }
        catch (FileNotFoundException)
        {
            // Deleted or renamed since the event that named it, or since the listing.
            return default;
        }
    }

    private string? ReadText(List<Diagnostic> diagnostics)
    {
        try
        {
            if (new FileInfo(Path).Length > MaximumBytes)
            {
                diagnostics.Add(Error(0, $"is larger than {MaximumBytes} bytes"));
                return null;
            }

            return StrictUtf8.GetString(File.ReadAllBytes(Path)).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            diagnostics.Add(Error(0, "is not UTF-8 text"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            diagnostics.Add(Error(0, $"cannot be read: {exception.Message}"));
        }

        return null;
    }

    private void Parse(string text, List<KubernetesObject> objects, List<Diagnostic> diagnostics)
    {
        try
        {
            foreach (YamlNode document in YamlDocuments.Read(text))
            {
                ObjectReader.Read(document, Path, objects, diagnostics);
            }
        }
        catch (YamlSyntaxException exception)
        {
            diagnostics.Add(Error(exception.Line, exception.Message));
            return;
        }

        Dictionary<ObjectKey, KubernetesObject> seen = [];
        foreach (KubernetesObject found in objects)
        {
            if (!seen.TryAdd(found.Key, found))
            {
                diagnostics.Add(new Diagnostic(
                    Severity.Error, found.Location, found.Key.ToString(), "", $"is already defined at {seen[found.Key].Location}"));
            }
        }
    }

    private Diagnostic Error(int line, string reason) => new(Severity.Error, new SourceLocation(Path, line), "", "", reason);
}
