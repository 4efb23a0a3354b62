using System.Diagnostics.CodeAnalysis;

namespace Waypoint.NodeAgent.Workloads;

/// <summary>
/// Who claims an address. Nearly always one does, but two may during the life of a mesh (a pod's address is given to the next before the
/// first is gone): then the order of arrival must not decide, or two nodes would disagree.
/// </summary>
/// <param name="precedes">A strict order: true when the first wins over the second.</param>
internal sealed class AddressIndex<T>(Func<T, T, bool> precedes)
    where T : class
{
    private readonly Dictionary<InternetAddress, T[]> _claims = [];

    public bool TryGet(InternetAddress address, [NotNullWhen(true)] out T? best)
    {
        bool found = _claims.TryGetValue(address, out T[]? claims);
        best = found ? claims![0] : null;
        return found;
    }

    /// <summary>All who claim the address, the winner first.</summary>
    public IReadOnlyList<T> All(InternetAddress address) => _claims.GetValueOrDefault(address, []);

    public void Add(IEnumerable<InternetAddress> addresses, T claimant)
    {
        foreach (InternetAddress address in addresses)
        {
            T[] claims = _claims.GetValueOrDefault(address, []);
            int rank = Array.FindIndex(claims, other => precedes(claimant, other));
            _claims[address] = rank < 0 ? [.. claims, claimant] : [.. claims[..rank], claimant, .. claims[rank..]];
        }
    }

    public void Remove(IEnumerable<InternetAddress> addresses, T claimant)
    {
        foreach (InternetAddress address in addresses)
        {
            T[] rest = Array.FindAll(_claims[address], other => !ReferenceEquals(other, claimant));
            if (rest.Length == 0)
            {
                _claims.Remove(address);
            }
            else
            {
                _claims[address] = rest;
            }
        }
    }
}
