using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Waypoint.Xds.Identity;

/// <summary>
/// The trusted roots in a PEM file that is replaced while the program runs. It is read again at most once a second, when somebody asks:
/// kubelet swaps a symbolic link some folders above the file, which no watch on the file sees.
/// </summary>
public sealed class RootsFile(string path)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private string? _text;
    private X509Certificate2Collection _roots = [];
    private long _readAt;

    /// <summary>The roots; those before when the file cannot be used now. Not to be changed.</summary>
    /// <exception cref="IOException">The file has never been readable.</exception>
    /// <exception cref="CryptographicException">The file has never held certificates.</exception>
    public X509Certificate2Collection Current
    {
        get
        {
            lock (_gate)
            {
                if (_text is not null && Stopwatch.GetElapsedTime(_readAt) < Fresh)
                {
                    return _roots;
                }

                try
                {
                    Read();
                }
                catch (Exception e) when (_text is not null && e is IOException or UnauthorizedAccessException or CryptographicException)
                {
                    // A file caught in the middle of its replacement; the next look finds it whole.
                }

                _readAt = Stopwatch.GetTimestamp();
                return _roots;
            }
        }
    }

    private void Read()
    {
        var text = File.ReadAllText(path);
        if (text == _text)
        {
            return;
        }

        var roots = new X509Certificate2Collection();
        roots.ImportFromPem(text);
        if (roots.Count == 0)
        {
            throw new CryptographicException($"{path}: no certificate in it");
        }

        (_text, _roots) = (text, roots);
    }
}
