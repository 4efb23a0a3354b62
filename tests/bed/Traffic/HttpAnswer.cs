using System.Text;

namespace Waypoint.TestBed.Traffic;

/// <summary>An HTTP/1.1 answer as it came: the head line by line, the body without its framing.</summary>
public sealed record HttpAnswer(int Status, IReadOnlyList<string> HeadLines, byte[] Body)
{
    /// <summary>Which version of waypoint-echo answered; empty when the answer is not from one.</summary>
    public string Version => Header("x-version") ?? "";

    /// <summary>The server will close: this connection is not to be used again.</summary>
    public bool EndsConnection => string.Equals(Header("connection"), "close", StringComparison.OrdinalIgnoreCase);

    public string Text => Encoding.UTF8.GetString(Body);

    public string? Header(string name) => HeadLines.Skip(1)
        .Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))
        .Select(line => line[(name.Length + 1)..].Trim())
        .FirstOrDefault();
}
