using System.Collections.Concurrent;
using System.Net;

namespace Waypoint.Proxy.Mesh;

/// <summary>
/// The workloads of the mesh by address: who a peer is (design D3) and what metrics call it. Changed in place, workload by
/// workload; safe to read at any time.
/// </summary>
internal sealed class WorkloadDirectory
{
    private readonly ConcurrentDictionary<AddressKey, Workload> _byAddress = [];
    private readonly ConcurrentDictionary<string, Workload> _byUid = new(StringComparer.Ordinal);

    public int Count => _byUid.Count;

    public IEnumerable<Workload> All => _byUid.Values;

    public Workload? Find(IPAddress address) => _byAddress.GetValueOrDefault(AddressKey.Of(address));

    /// <summary>Adds the workload, or puts it in the place of the one with its uid.</summary>
    public void Upsert(Workload workload)
    {
        _byUid.TryGetValue(workload.Uid, out var before);
        _byUid[workload.Uid] = workload;
        foreach (var address in workload.Addresses)
        {
            _byAddress[AddressKey.Of(address)] = workload;
        }

        if (before is not null)
        {
            Forget(before, except: workload);
        }
    }

    public void Remove(string uid)
    {
        if (_byUid.TryRemove(uid, out var workload))
        {
            Forget(workload, except: null);
        }
    }

    // An address may have gone to another workload already: addresses of dead pods are used again. Then it stays there.
    private void Forget(Workload old, Workload? except)
    {
        foreach (var address in old.Addresses)
        {
            var key = AddressKey.Of(address);
            if (except is null || !except.Addresses.Any(a => AddressKey.Of(a) == key))
            {
                _byAddress.TryRemove(KeyValuePair.Create(key, old));
            }
        }
    }
}
