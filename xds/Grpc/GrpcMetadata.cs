using System.Collections;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;

namespace Waypoint.Xds.Grpc;

/// <summary>Headers and trailers of the application's own. Names are lower case; a name that ends in "-bin" carries base64.</summary>
public sealed class GrpcMetadata : IEnumerable<KeyValuePair<string, string>>
{
    /// <summary>Nothing; not to be added to.</summary>
    internal static readonly GrpcMetadata Empty = [];

    private readonly List<KeyValuePair<string, string>> _entries = [];

    public void Add(string name, string value) => _entries.Add(new(name, value));

    /// <summary>Adds bytes; the name must end in "-bin".</summary>
    public void AddBinary(string name, ReadOnlySpan<byte> value)
    {
        if (!name.EndsWith("-bin", StringComparison.Ordinal))
        {
            throw new ArgumentException($"The name of a binary value must end in \"-bin\": {name}", nameof(name));
        }

        Add(name, Convert.ToBase64String(value));
    }

    /// <summary>The first value of that name, or null.</summary>
    public string? Find(string name)
    {
        foreach (var (key, value) in _entries)
        {
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>The first value of that name as bytes, or null. Peers may leave base64's padding out.</summary>
    public byte[]? FindBinary(string name)
    {
        if (Find(name) is not { } text)
        {
            return null;
        }

        text = text.TrimEnd('=');
        return Convert.FromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '='));
    }

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal static GrpcMetadata From(HttpHeaders headers)
    {
        var metadata = new GrpcMetadata();
        foreach (var (name, values) in headers.NonValidated)
        {
            foreach (var value in values)
            {
                metadata.AddUnlessReserved(name, value);
            }
        }

        return metadata;
    }

    internal static GrpcMetadata From(IHeaderDictionary headers)
    {
        var metadata = new GrpcMetadata();
        foreach (var (name, values) in headers)
        {
            foreach (var value in values)
            {
                metadata.AddUnlessReserved(name, value ?? "");
            }
        }

        return metadata;
    }

    private void AddUnlessReserved(string name, string value)
    {
        if (!name.StartsWith("grpc-", StringComparison.OrdinalIgnoreCase) && !name.StartsWith(':'))
        {
            Add(name.ToLowerInvariant(), value);
        }
    }
}
