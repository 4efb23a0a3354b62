namespace Waypoint.GatewayApi.Tests;

/// <summary>A folder of its own below the machine's temporary one, gone at the end.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("waypoint-folder-").FullName;

    public string PathOf(string name) => Path.Combine(Root, name);

    public void Write(string name, string text) => File.WriteAllText(PathOf(name), text);

    /// <summary>As editors save: the new text goes to another file, which then takes the place of the old.</summary>
    public void RenameOver(string name, string text)
    {
        string other = PathOf(name + ".new~");
        File.WriteAllText(other, text);
        File.Move(other, PathOf(name), overwrite: true);
    }

    public void Delete(string name) => File.Delete(PathOf(name));

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
