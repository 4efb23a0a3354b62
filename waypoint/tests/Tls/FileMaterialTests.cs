using Waypoint.Proxy.Tls;

namespace Waypoint.Proxy.Tests.Tls;

public sealed class FileMaterialTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_mounted_secret_that_kubernetes_replaces_is_read_again()
    {
        var (path, current) = (In("root.pem"), In("..data"));
        Write("v1", "old", age: TimeSpan.FromHours(1));
        Write("v2", "new", age: TimeSpan.Zero);
        File.CreateSymbolicLink(current, "v1");
        File.CreateSymbolicLink(path, Path.Combine("..data", "root.pem"));
        var material = new FileMaterial<string>([path], texts => texts[0]);
        Assert.Equal("old", material.Current());

        Directory.Delete(current);
        File.CreateSymbolicLink(current, "v2");
        Assert.Equal("new", material.Current());
    }

    [Fact]
    public void What_is_gone_leaves_the_last_in_force_and_what_was_never_there_is_nothing()
    {
        File.WriteAllText(In("cert.pem"), "good");
        var material = new FileMaterial<string>([In("cert.pem")], texts => texts[0]);
        Assert.Equal("good", material.Current());
        File.Delete(In("cert.pem"));
        Assert.Equal("good", material.Current());
        Assert.Null(new FileMaterial<string>([In("none")], texts => texts[0]).Current());
    }

    private string In(string name) => Path.Combine(_folder.FullName, name);

    private void Write(string version, string text, TimeSpan age)
    {
        Directory.CreateDirectory(In(version));
        File.WriteAllText(Path.Combine(In(version), "root.pem"), text);
        File.SetLastWriteTimeUtc(Path.Combine(In(version), "root.pem"), DateTime.UtcNow - age);
    }
}
