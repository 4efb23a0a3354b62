using System.Collections.Frozen;

namespace Waypoint.Proxy.Filters;

/// <summary>What a route, its virtual host and its route configuration say of filters, by the filters' names; the nearest to the route counts.</summary>
internal sealed class RouteFilterSettings
{
    private readonly FrozenDictionary<string, object> _settings;

    public RouteFilterSettings(IEnumerable<KeyValuePair<string, object>> settings) =>
        _settings = settings.ToFrozenDictionary(StringComparer.Ordinal);

    public static RouteFilterSettings None { get; } = new([]);

    /// <summary>What is said of the filter called <paramref name="filter"/>; null when nothing is.</summary>
    public T? Find<T>(string filter)
        where T : class => _settings.GetValueOrDefault(filter) as T;

    /// <summary>These settings, and where they are silent <paramref name="wider"/>.</summary>
    public RouteFilterSettings Over(RouteFilterSettings wider)
    {
        if (wider._settings.Count == 0)
        {
            return this;
        }

        return _settings.Count == 0
            ? wider
            : new RouteFilterSettings(_settings.Concat(wider._settings.Where(setting => !_settings.ContainsKey(setting.Key))));
    }
}
