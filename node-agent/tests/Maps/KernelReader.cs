using Waypoint.NodeAgent.Engine;

namespace Waypoint.NodeAgent.Tests.Maps;

/// <summary>What a client that dials an address would be given, decided as the kernel programs decide it.</summary>
internal static class KernelReader
{
    /// <summary>The address is none of the mesh's.</summary>
    public const string Untouched = "untouched";

    /// <summary>Something that an entry refers to is not there: no complete transaction leaves that.</summary>
    public const string Incomplete = "incomplete";

    /// <summary>All that a connection may be given, in words that name no number of the maps.</summary>
    public static string Read(InMemoryKernelMaps maps, FrontendKey dialled)
    {
        if (!maps.Frontends.Entries.TryGetValue(dialled, out Frontend frontend)
            && !maps.Frontends.Entries.TryGetValue(dialled with { Port = default }, out frontend))
        {
            return Untouched;
        }

        if (!maps.Services.Entries.TryGetValue(frontend.Service, out Service service))
        {
            return Incomplete;
        }

        return service.Waypoint == 0 ? Slots(maps, service)
            : maps.Services.Entries.TryGetValue(service.Waypoint, out Service waypoint) ? $"waypoint {Slots(maps, waypoint)}"
            : Incomplete;
    }

    /// <summary>
    /// One connection, decided in single looks at the maps with anything happening between them. Like the kernel's, a reader that misses what
    /// it was led to begins again, once.
    /// </summary>
    /// <returns>After each look null; in the end what the connection was given.</returns>
    public static IEnumerable<string?> ReadSlowly(InMemoryKernelMaps maps, FrontendKey dialled, int random)
    {
        for (int attempt = 0; attempt < 2; attempt++)
        {
            Frontend frontend = default;
            bool found = false;
            foreach (FrontendKey key in new[] { dialled, dialled with { Port = default }, dialled })
            {
                found = found || maps.Frontends.Entries.TryGetValue(key, out frontend);
                yield return null;
            }

            if (!found)
            {
                yield return Untouched;
                yield break;
            }

            if (!maps.Services.Entries.TryGetValue(frontend.Service, out Service service))
            {
                continue;
            }

            yield return null;
            string way = "";
            if (service.Waypoint != 0)
            {
                way = "waypoint ";
                if (!maps.Services.Entries.TryGetValue(service.Waypoint, out service))
                {
                    continue;
                }

                yield return null;
            }

            if (service.Count == 0)
            {
                yield return $"{way}[]";
                yield break;
            }

            if (!maps.Slots.Entries.TryGetValue(new SlotKey(service.Slots, (uint)random % service.Count), out Slot slot))
            {
                continue;
            }

            yield return null;
            if (maps.Backends.Entries.TryGetValue(slot.Backend, out Backend backend))
            {
                yield return way + Name(backend);
                yield break;
            }
        }

        yield return Incomplete;
    }

    private static string Name(Backend backend) => $"{backend.Addr}:{backend.Port}{(backend.Flags == BackendFlags.None ? "" : "+header")}";

    public static string Slots(InMemoryKernelMaps maps, Service service)
    {
        var backends = new List<string>();
        for (uint i = 0; i < service.Count; i++)
        {
            if (!maps.Slots.Entries.TryGetValue(new SlotKey(service.Slots, i), out Slot slot)
                || !maps.Backends.Entries.TryGetValue(slot.Backend, out Backend backend))
            {
                return Incomplete;
            }

            backends.Add(Name(backend));
        }

        return $"[{string.Join(' ', backends)}]";
    }
}
