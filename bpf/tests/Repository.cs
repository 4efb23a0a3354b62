namespace Waypoint.Bpf.Tests;

/// <summary>The sources that the tests were built from.</summary>
internal static class Repository
{
    public static string Bpf { get; } = Find();

    private static string Find()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Waypoint.sln")))
            {
                return Path.Combine(directory.FullName, "bpf");
            }
        }

        throw new DirectoryNotFoundException($"No Waypoint.sln above {AppContext.BaseDirectory}.");
    }
}
