namespace Waypoint.TestBed.Mesh;

/// <summary>Where the repository is, and the programs that were built in it.</summary>
public static class Programs
{
    // artifacts/bin/PROJECT/CONFIGURATION: the programs come from the same configuration as the caller.
    private static readonly DirectoryInfo Output = new(AppContext.BaseDirectory.TrimEnd('/'));

    public static string RepositoryRoot { get; } = FindRoot();

    public static string ControlPlane => Built("Waypoint.ControlPlane", "waypoint-control-plane");

    public static string NodeAgent => Built("Waypoint.NodeAgent", "waypoint-node-agent");

    public static string Waypoint => Built("Waypoint.Proxy", "waypoint");

    public static string Echo => Built("Waypoint.Echo", "waypoint-echo");

    public static string Ctl => Built("Waypoint.Ctl", "waypointctl");

    /// <summary>The program that a container image of ours holds; null for an image without one, such as pause.</summary>
    public static string? OfImage(string image) => image switch
    {
        "waypoint" => Waypoint,
        "waypoint-echo" => Echo,
        _ => null,
    };

    private static string Built(string project, string program)
    {
        string path = Path.Combine(RepositoryRoot, "artifacts", "bin", project, Output.Name, program);
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path}: not built; run make build");
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? directory = Output; directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Waypoint.sln")))
            {
                return directory.FullName;
            }
        }
        throw new DirectoryNotFoundException($"no Waypoint.sln above {Output.FullName}");
    }
}
