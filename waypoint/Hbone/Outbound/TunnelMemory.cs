using System.Collections.Concurrent;
using Waypoint.Proxy.Mesh;

namespace Waypoint.Proxy.Hbone.Outbound;

/// <summary>What is known of addresses: which spoke HBONE, and which refused it. For <see cref="UpstreamHboneMode.Auto"/>.</summary>
internal sealed class TunnelMemory(TimeProvider time)
{
    private static readonly TimeSpan RefusalCounts = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan TunnelCounts = TimeSpan.FromMinutes(10);

    // Addresses of pods that are gone; beyond it the outdated ones are dropped.
    private const int Crowded = 10_000;

    private readonly ConcurrentDictionary<AddressKey, (bool SpokeHbone, long At)> _addresses = [];

    public void SpokeHbone(AddressKey address) => Remember(address, true);

    public void Refused(AddressKey address) => Remember(address, false);

    /// <summary>It refused a tunnel not long ago.</summary>
    public bool IsPlain(AddressKey address) =>
        _addresses.TryGetValue(address, out var known) && !known.SpokeHbone && time.GetElapsedTime(known.At) < RefusalCounts;

    /// <summary>It spoke HBONE not long ago: a refusal now is a failure, no reason to speak plainly.</summary>
    public bool IsTunnelled(AddressKey address) =>
        _addresses.TryGetValue(address, out var known) && known.SpokeHbone && time.GetElapsedTime(known.At) < TunnelCounts;

    private void Remember(AddressKey address, bool spokeHbone)
    {
        if (_addresses.Count >= Crowded)
        {
            foreach (var (key, known) in _addresses.Where(one => time.GetElapsedTime(one.Value.At) >= (one.Value.SpokeHbone ? TunnelCounts : RefusalCounts)))
            {
                _addresses.TryRemove(KeyValuePair.Create(key, known));
            }
        }

        _addresses[address] = (spokeHbone, time.GetTimestamp());
    }
}
