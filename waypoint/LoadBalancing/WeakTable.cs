using System.Diagnostics.CodeAnalysis;

namespace Waypoint.Proxy.LoadBalancing;

/// <summary>
/// One object for each key for as long as anybody holds it: what nothing refers to any more, neither the configuration nor a
/// running request, the garbage collector forgets. Safe for several threads.
/// </summary>
internal sealed class WeakTable<TKey, TValue>(Func<TKey, TValue> make)
    where TKey : notnull
    where TValue : class
{
    private const int SmallestPurge = 256;

    private readonly Dictionary<TKey, WeakReference<TValue>> _values = [];
    private readonly Lock _gate = new();
    private int _purgeAt = SmallestPurge;

    public TValue Get(TKey key)
    {
        lock (_gate)
        {
            if (_values.TryGetValue(key, out var reference))
            {
                if (!reference.TryGetTarget(out var known))
                {
                    known = make(key);
                    reference.SetTarget(known);
                }

                return known;
            }

            if (_values.Count >= _purgeAt)
            {
                Purge();
            }

            var made = make(key);
            _values.Add(key, new WeakReference<TValue>(made));
            return made;
        }
    }

    public bool TryGet(TKey key, [NotNullWhen(true)] out TValue? value)
    {
        lock (_gate)
        {
            value = null;
            return _values.TryGetValue(key, out var reference) && reference.TryGetTarget(out value);
        }
    }

    private void Purge()
    {
        foreach (var (key, reference) in _values)
        {
            if (!reference.TryGetTarget(out _))
            {
                _values.Remove(key);
            }
        }

        _purgeAt = Math.Max(SmallestPurge, _values.Count * 2);
    }
}
