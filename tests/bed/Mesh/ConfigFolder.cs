namespace Waypoint.TestBed.Mesh;

/// <summary>The folder of YAML that drives a mesh: a copy that a demo or a test may edit.</summary>
public sealed class ConfigFolder
{
    private readonly string _removed;

    internal ConfigFolder(string path)
    {
        FullPath = Directory.CreateDirectory(path).FullName;
        _removed = Directory.CreateDirectory(path + ".removed").FullName;
    }

    public string FullPath { get; }

    public string Read(string file) => File.ReadAllText(Path.Combine(FullPath, file));

    /// <summary>Saves a file as editors do: written beside, then renamed into place.</summary>
    public void Save(string file, string text)
    {
        string beside = Path.Combine(_removed, file);
        File.WriteAllText(beside, text);
        File.Move(beside, Path.Combine(FullPath, file), overwrite: true);
    }

    /// <summary>Edits a file by replacing text that must be there.</summary>
    public void Edit(string file, string old, string replacement)
    {
        string text = Read(file);
        if (!text.Contains(old, StringComparison.Ordinal))
        {
            throw new ArgumentException($"{file} does not hold \"{old}\"", nameof(old));
        }
        Save(file, text.Replace(old, replacement, StringComparison.Ordinal));
    }

    /// <summary>Takes a file away so that <see cref="Restore"/> can bring it back.</summary>
    public void Remove(string file) => File.Move(Path.Combine(FullPath, file), Path.Combine(_removed, file), overwrite: true);

    public void Restore(string file) => File.Move(Path.Combine(_removed, file), Path.Combine(FullPath, file));

    internal void CopyFrom(string source)
    {
        foreach (string file in Directory.EnumerateFiles(source, "*.yaml"))
        {
            File.Copy(file, Path.Combine(FullPath, Path.GetFileName(file)));
        }
    }
}
