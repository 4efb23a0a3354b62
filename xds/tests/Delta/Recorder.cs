using System.Collections.Concurrent;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Xds.Delta;
using Waypoint.Xds.Delta.Client;

namespace Waypoint.Xds.Tests.Delta;

/// <summary>Holds what it is given. StringValue stands for any type of resource; "bad" is one that cannot be used.</summary>
internal sealed class Recorder : ResourceHandler<StringValue>
{
    public Recorder(string? typeUrl = null)
        : base(typeUrl ?? Strings, StringValue.Parser)
    {
    }

    public static string Strings { get; } = ResourceTypes.UrlOf(StringValue.Descriptor);

    public ConcurrentDictionary<string, string> Held { get; } = new();

    /// <summary>Every name that came, in order, "-NAME" for a removal.</summary>
    public ConcurrentQueue<string> Log { get; } = new();

    public int Updates { get; private set; }

    /// <summary>Runs before each update is applied.</summary>
    public Action BeforeApply { get; set; } = () => { };

    protected override void Apply(IReadOnlyList<ParsedResource<StringValue>> changed, IReadOnlyList<string> removed, ICollection<Rejection> rejections)
    {
        BeforeApply();
        foreach (var (name, message) in changed)
        {
            Log.Enqueue(name);
            if (message.Value == "bad")
            {
                rejections.Add(new Rejection(name, "the value is bad"));
            }
            else
            {
                Held[name] = message.Value;
            }
        }

        foreach (var name in removed)
        {
            Log.Enqueue("-" + name);
            Held.TryRemove(name, out _);
        }

        Updates++;
    }
}
