using System.Net;

namespace Waypoint.TestBed;

/// <summary>
/// The names that the pods of a bed resolve: the stand-in for cluster DNS. One file, mounted over /etc/hosts in every pod.
/// </summary>
public sealed class HostsFile
{
    private readonly Dictionary<string, IPAddress> _addresses = new(StringComparer.OrdinalIgnoreCase) { ["localhost"] = IPAddress.Loopback };

    internal HostsFile(string path)
    {
        FilePath = path;
        Write();
    }

    internal string FilePath { get; }

    public void Set(string name, IPAddress address)
    {
        lock (_addresses)
        {
            _addresses[name] = address;
            Write();
        }
    }

    /// <summary>The address of a name of the bed, or the address that the text spells.</summary>
    public IPAddress Resolve(string host)
    {
        lock (_addresses)
        {
            return _addresses.TryGetValue(host, out IPAddress? address) ? address : IPAddress.Parse(host);
        }
    }

    // In place: a bind mount is of the file, not of its name.
    private void Write() => File.WriteAllLines(FilePath, _addresses.Select(entry => $"{entry.Value} {entry.Key}"));
}
