using Google.Protobuf;

namespace Waypoint.Xds.Delta.Client;

/// <summary>A handler of parsed resources. What cannot be parsed is rejected by name and does not reach <see cref="Apply"/>.</summary>
public abstract class ResourceHandler<T> : IResourceHandler
    where T : class, IMessage<T>
{
    private readonly MessageParser<T> _parser;

    protected ResourceHandler(string typeUrl, MessageParser<T> parser)
    {
        TypeUrl = typeUrl;
        _parser = parser;
    }

    public string TypeUrl { get; }

    public ValueTask<ApplyResult> ApplyAsync(ResourceUpdate update, CancellationToken cancellation)
    {
        var changed = new List<ParsedResource<T>>(update.Changed.Count);
        var rejections = new List<Rejection>();
        foreach (var resource in update.Changed)
        {
            try
            {
                changed.Add(new ParsedResource<T>(resource.Name, _parser.ParseFrom(resource.Body)));
            }
            catch (InvalidProtocolBufferException e)
            {
                rejections.Add(new Rejection(resource.Name, e.Message));
            }
        }

        Apply(changed, update.Removed, rejections);
        return ValueTask.FromResult(rejections.Count == 0 ? ApplyResult.Accepted : new ApplyResult(rejections));
    }

    /// <summary>Applies a change.</summary>
    /// <param name="rejections">To be added to, for each resource that cannot be used.</param>
    protected abstract void Apply(IReadOnlyList<ParsedResource<T>> changed, IReadOnlyList<string> removed, ICollection<Rejection> rejections);
}

/// <summary>A resource, parsed.</summary>
public readonly record struct ParsedResource<T>(string Name, T Message);
