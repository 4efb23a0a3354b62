namespace Waypoint.NodeAgent.Engine;

/// <summary>The maps by which the kernel engine is told what to do.</summary>
internal interface IKernelMaps
{
    IKernelMap<ulong, Pod> Pods { get; }

    IKernelMap<FrontendKey, Frontend> Frontends { get; }

    IKernelMap<uint, Service> Services { get; }

    IKernelMap<SlotKey, Slot> Slots { get; }

    IKernelMap<uint, Backend> Backends { get; }
}

/// <summary>A hash map. Each entry is written and deleted whole; a call for many entries takes them in their order.</summary>
internal interface IKernelMap<TKey, TValue>
    where TKey : unmanaged
    where TValue : unmanaged
{
    string Name { get; }

    /// <summary>How many entries fit.</summary>
    int Capacity { get; }

    Dictionary<TKey, TValue> ReadAll();

    /// <exception cref="KernelMapFullException">There is no room; what came before the first that did not fit is written.</exception>
    void Set(IReadOnlyCollection<KeyValuePair<TKey, TValue>> entries);

    /// <summary>Deletes; those that do not exist are passed over.</summary>
    void Remove(IReadOnlyCollection<TKey> keys);
}
