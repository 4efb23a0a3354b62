using System.Security.Cryptography;

namespace Waypoint.Proxy.Tls;

/// <summary>What is made of files that may be replaced while the program runs. What does not parse leaves the last good one in force.</summary>
internal sealed class FileMaterial<T>(IReadOnlyList<string> paths, Func<IReadOnlyList<string>, T> parse)
    where T : class
{
    private volatile Version? _version;

    /// <summary>Null while the files are not there.</summary>
    public T? Current()
    {
        DateTime[] writtenAt = [.. paths.Select(WrittenAt)];
        if (_version is { } known && known.WrittenAt.AsSpan().SequenceEqual(writtenAt))
        {
            return known.Value;
        }

        try
        {
            var value = parse([.. paths.Select(File.ReadAllText)]);
            _version = new Version(value, writtenAt);
            return value;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            return _version?.Value;
        }
    }

    // Kubernetes replaces a mounted secret by turning a link further up; the link in the file's own place stays, and so does its time.
    private static DateTime WrittenAt(string path)
    {
        try
        {
            return File.GetLastWriteTimeUtc(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
        }
        catch (IOException)
        {
            return default;
        }
    }

    private sealed record Version(T Value, DateTime[] WrittenAt);
}
