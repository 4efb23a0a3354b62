using System.Globalization;

namespace Waypoint.Cluster.Tests.Clients;

/// <summary>One answer as Istio's echo client prints it: what the client got, and what the server says that it saw.</summary>
internal sealed class EchoResponse
{
    private readonly List<(string Name, string Value)> _fields = [];

    /// <summary>The HTTP status; 0 when the client printed none.</summary>
    public int Status => int.Parse(Field("StatusCode") ?? "0", CultureInfo.InvariantCulture);

    /// <summary>The version of the backend that answered; null when none did.</summary>
    public string? Version => Field("ServiceVersion");

    public string? Hostname => Field("Hostname");

    /// <summary>The request target that the backend saw.</summary>
    public string? Url => _fields.LastOrDefault(f => f.Name == "body:URL").Value;

    /// <summary>The host that the backend saw.</summary>
    public string? Host => _fields.LastOrDefault(f => f.Name == "body:Host").Value;

    /// <summary>The address that the backend was dialled from.</summary>
    public string? Peer => _fields.LastOrDefault(f => f.Name == "body:IP").Value;

    public string? Header(string name) => Named("ResponseHeader", name).FirstOrDefault();

    /// <summary>A header as the backend saw it.</summary>
    public string? RequestHeader(string name) => Named("body:RequestHeader", name).FirstOrDefault();

    /// <summary>The values of a header in the lines of the request as the backend saw it.</summary>
    public IReadOnlyList<string> RequestHeaders(string name) => [.. Named("body:RequestHeader", name)];

    /// <summary>Reads lines such as <c>[0] StatusCode=200</c> and <c>[0 body] Hostname=x</c>, in the order of the requests.</summary>
    public static IReadOnlyList<EchoResponse> Parse(string output)
    {
        var responses = new SortedDictionary<int, EchoResponse>();
        foreach (var line in output.Split('\n'))
        {
            var close = line.IndexOf(']', StringComparison.Ordinal);
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (!line.StartsWith('[') || close < 0 || equals < close)
            {
                continue;
            }

            var tag = line[1..close].Split(' ');
            if (int.TryParse(tag[0], CultureInfo.InvariantCulture, out var index))
            {
                responses.TryAdd(index, new EchoResponse());
                responses[index]._fields.Add(((tag.Length > 1 ? "body:" : "") + line[(close + 2)..equals], line[(equals + 1)..].TrimEnd('\r')));
            }
        }

        return [.. responses.Values];
    }

    public override string ToString() => string.Join("\n", _fields.Select(f => $"{f.Name}={f.Value}"));

    private string? Field(string name) => _fields.FirstOrDefault(f => f.Name == name || f.Name == $"body:{name}").Value;

    private IEnumerable<string> Named(string field, string name) =>
        from f in _fields
        where f.Name == field && f.Value.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)
        select f.Value[(name.Length + 1)..];
}
