namespace Waypoint.GatewayApi.Sources.Folder;

/// <summary>Which files of a folder are read: YAML and JSON, at any depth. Names with a leading dot are editors' and ConfigMaps' own.</summary>
internal static class FolderFiles
{
    private static readonly EnumerationOptions OneLevel = new() { AttributesToSkip = 0, IgnoreInaccessible = true };

    public static bool IsObjectFile(string name) =>
        !name.StartsWith('.') && Path.GetExtension(name) is ".yaml" or ".yml" or ".json";

    /// <summary>All files, in the order of their paths: the order in which two files' claims to one object are decided at the start.</summary>
    public static IEnumerable<string> All(string root) =>
        Directories(root)
            .SelectMany(directory => Directory.EnumerateFiles(directory, "*", OneLevel).Where(file => IsObjectFile(Path.GetFileName(file))))
            .Order(StringComparer.Ordinal);

    /// <summary>The root and every directory below it. Links to directories are not followed, as they can form a circle.</summary>
    public static IEnumerable<string> Directories(string root)
    {
        if (!Directory.Exists(root))
        {
            yield break;
        }

        yield return root;
        foreach (string directory in Directory.EnumerateDirectories(root, "*", OneLevel))
        {
            if (Path.GetFileName(directory).StartsWith('.') || new DirectoryInfo(directory).LinkTarget is not null)
            {
                continue;
            }

            foreach (string below in Directories(directory))
            {
                yield return below;
            }
        }
    }
}
