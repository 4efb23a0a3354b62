using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Intent;

namespace Waypoint.NodeAgent.Tests.Maps;

/// <summary>What an intent promises a client that dials an address, in the words of <see cref="KernelReader"/>.</summary>
internal static class Expectation
{
    public static string Read(DesiredState state, FrontendKey dialled)
    {
        FrontendKey anyPort = dialled with { Port = default };
        if (!state.Leads(dialled) && !state.Leads(anyPort))
        {
            return KernelReader.Untouched;
        }

        Entry entry = state.Find(state.Leads(dialled) ? dialled : anyPort);
        return entry.Waypoint is { } waypoint ? $"waypoint {Slots(state.Entries[waypoint])}" : Slots(entry);
    }

    /// <summary>
    /// What a client may be given while one state is replaced by the other: what the address leads to before or after, that as it was or as
    /// it will be, and if it goes through a waypoint, the waypoint as it was or as it will be.
    /// </summary>
    public static HashSet<string> Between(DesiredState before, DesiredState after, FrontendKey dialled)
    {
        var allowed = new HashSet<string>();
        DesiredState[] states = [before, after];
        foreach (DesiredState state in states)
        {
            // A port that goes may be led for a moment to where the service's other ports still lead.
            Entry[] found = [.. new[] { dialled, dialled with { Port = default } }.Where(state.Leads).Select(state.Find)];
            if (found.Length == 0)
            {
                allowed.Add(KernelReader.Untouched);
            }

            foreach (Entry entry in found.SelectMany(entry => Versions(states, entry.Key)))
            {
                allowed.UnionWith(entry.Waypoint is { } waypoint
                    ? Versions(states, waypoint).Select(version => $"waypoint {Slots(version)}")
                    : [Slots(entry)]);
            }
        }

        return allowed;
    }

    /// <summary>The same for one connection, which is given one of the backends.</summary>
    public static HashSet<string> ConnectionsBetween(DesiredState before, DesiredState after, FrontendKey dialled)
    {
        var allowed = new HashSet<string>();
        foreach (string outcome in Between(before, after, dialled))
        {
            int open = outcome.IndexOf('[', StringComparison.Ordinal);
            string[] backends = open < 0 ? [] : outcome[(open + 1)..^1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            allowed.UnionWith(backends.Length == 0 ? [outcome] : backends.Select(backend => outcome[..open] + backend));
        }

        return allowed;
    }

    private static IEnumerable<Entry> Versions(IEnumerable<DesiredState> states, EntryKey key) =>
        states.Select(state => state.Entries.GetValueOrDefault(key)).OfType<Entry>();

    private static string Slots(Entry entry) =>
        $"[{string.Join(' ', entry.Slots.Select(backend => $"{backend.Addr}:{backend.Port}{(backend.Flags == BackendFlags.None ? "" : "+header")}"))}]";
}

internal sealed class DesiredState(IEnumerable<Unit> units)
{
    private readonly Dictionary<FrontendKey, EntryKey> _frontends = units
        .SelectMany(unit => unit.Frontends).ToDictionary(frontend => frontend.Key, frontend => frontend.Value);

    public Dictionary<EntryKey, Entry> Entries { get; } = units.SelectMany(unit => unit.Entries).ToDictionary(entry => entry.Key);

    public IEnumerable<FrontendKey> Frontends => _frontends.Keys;

    public bool Leads(FrontendKey frontend) => _frontends.ContainsKey(frontend);

    public Entry Find(FrontendKey frontend) => Entries[_frontends[frontend]];
}
