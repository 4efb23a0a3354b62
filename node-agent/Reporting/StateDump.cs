using System.Globalization;
using System.Text.Json;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Enrolment;
using Waypoint.NodeAgent.Enrolment.Labels;
using Waypoint.NodeAgent.Intent;
using Waypoint.NodeAgent.Maps;
using Waypoint.NodeAgent.Reconciliation;
using Waypoint.NodeAgent.Workloads;
using Service = Waypoint.NodeAgent.Engine.Service;

namespace Waypoint.NodeAgent.Reporting;

/// <summary>The agent's state as JSON: what it wants, what the kernel holds, and how the two differ.</summary>
internal static class StateDump
{
    public static void WriteIntent(Utf8JsonWriter json, MeshIntent intent, ReconcilerState state)
    {
        json.WriteStartObject();
        json.WriteStartArray("units");
        foreach ((UnitKey key, Unit unit) in intent.Units.OrderBy(unit => unit.Key.Kind).ThenBy(unit => unit.Key.Owner, StringComparer.Ordinal))
        {
            json.WriteStartObject();
            json.WriteString("kind", key.Kind.ToString());
            json.WriteString("owner", key.Owner);
            WriteStrings(json, "frontends", unit.Frontends.Select(frontend => Name(frontend.Key)));
            json.WriteStartArray("entries");
            foreach (Entry entry in unit.Entries)
            {
                json.WriteStartObject();
                json.WriteNumber("port", entry.Key.Port);
                json.WriteString("family", entry.Key.Family.ToString());
                if (entry.Waypoint is { } waypoint)
                {
                    json.WriteString("waypoint", waypoint.Owner);
                }

                if (entry.Waypoint is null || entry.ForAll)
                {
                    WriteStrings(json, "backends", entry.Slots.Select(Name));
                    json.WriteBoolean("forAll", entry.ForAll);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("pods");
        foreach ((ulong cookie, PodIntent pod) in intent.Pods.OrderBy(pod => pod.Key))
        {
            json.WriteStartObject();
            json.WriteNumber("cookie", cookie);
            WriteStrings(json, "addresses", pod.Addresses.All.Select(address => address.ToString()));
            json.WriteBoolean("isWaypoint", pod.IsWaypoint);
            if (pod.OwnWaypoint is { } own)
            {
                json.WriteString("ownWaypoint", own.ToString());
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteStrings(json, "rejected", state.Rejected.Select(resource => $"{resource.Key}: {resource.Value}"));
        json.WriteEndObject();
    }

    public static void WriteMaps(Utf8JsonWriter json, IKernelMaps maps, ReconcilerState state)
    {
        MapMirror held = MapMirror.Read(maps);
        json.WriteStartObject();
        json.WriteStartArray("frontends");
        foreach ((FrontendKey key, uint service) in held.Frontends)
        {
            json.WriteStartObject();
            json.WriteString("address", Name(key));
            json.WriteNumber("service", service);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("services");
        foreach ((uint id, Service service) in held.Services.OrderBy(service => service.Key))
        {
            json.WriteStartObject();
            json.WriteNumber("id", id);
            if (state.Writer.NameOf(id) is { } name)
            {
                json.WriteString("name", name.ToString());
            }

            json.WriteNumber("slots", service.Slots);
            json.WriteNumber("count", service.Count);
            json.WriteNumber("waypoint", service.Waypoint);
            json.WriteBoolean("direct", service.Flags.HasFlag(ServiceFlags.Direct));
            json.WriteBoolean("forAll", service.Flags.HasFlag(ServiceFlags.ForAll));
            WriteStrings(json, "backends", held.SlotSets.GetValueOrDefault(service.Slots, [])
                .Select(backend => held.Backends.TryGetValue(backend, out Backend known) ? Name(known) : $"backend {backend} is missing"));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("pods");
        foreach ((ulong cookie, Pod pod) in held.Pods.OrderBy(pod => pod.Key))
        {
            json.WriteStartObject();
            json.WriteNumber("cookie", cookie);
            json.WriteString("flags", pod.Flags.ToString());
            json.WriteNumber("ownWaypoint", pod.OwnWaypoint);
            json.WriteNumber("ownWaypoint6", pod.OwnWaypoint6);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    public static void WriteDifference(Utf8JsonWriter json, IEnumerable<MapDifference> differences)
    {
        json.WriteStartObject();
        json.WriteStartArray("differences");
        foreach (MapDifference difference in differences)
        {
            json.WriteStartObject();
            json.WriteString("map", difference.Map);
            json.WriteString("key", difference.Key);
            json.WriteString("problem", difference.Problem);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <param name="labelled">The pods of this node as the Kubernetes API knows them, enrolled or not; empty when it is not asked.</param>
    public static void WritePods(Utf8JsonWriter json, ReconcilerState state, MeshIntent intent, IReadOnlyList<PodEnrolment> labelled)
    {
        json.WriteStartArray();
        foreach (EnrolledPod pod in state.Pods.Pods.OrderBy(pod => pod.Cookie))
        {
            WritePod(json, pod, intent.Pods.GetValueOrDefault(pod.Cookie), WorkloadOf(state.Store, pod));
        }

        foreach (PodEnrolment pod in labelled.Where(pod => pod.Cookie is null))
        {
            json.WriteStartObject();
            json.WriteString("name", PodLocator.NameOf(pod.Pod));
            json.WriteString("notEnrolled", pod.Verdict == EnrolmentVerdict.Enrol ? "Failed" : pod.Verdict.ToString());
            WriteOptional(json, "error", pod.Error);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public static void WritePod(Utf8JsonWriter json, EnrolledPod pod, PodIntent? intent, Workload? workload)
    {
        json.WriteStartObject();
        json.WriteNumber("cookie", pod.Cookie);
        WriteStrings(json, "addresses", pod.Addresses.All.Select(address => address.ToString()));
        WriteOptional(json, "name", pod.Name);
        WriteOptional(json, "netns", pod.Path);
        WriteOptional(json, "workload", workload?.Uid);
        json.WriteBoolean("isWaypoint", intent?.IsWaypoint ?? false);
        json.WriteEndObject();
    }

    public static Workload? WorkloadOf(WorkloadStore store, EnrolledPod pod)
    {
        foreach (InternetAddress address in pod.Addresses.All)
        {
            if (store.TryGetWorkload(address, out Workload? workload))
            {
                return workload;
            }
        }

        return null;
    }

    private static void WriteOptional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private static void WriteStrings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private static string Name(FrontendKey key) => Name(key.Addr, key.Port);

    private static string Name(Backend backend) =>
        Name(backend.Addr, backend.Port) + (backend.Flags.HasFlag(BackendFlags.WantsProxyHeader) ? " with PROXY header" : "");

    private static string Name(KernelAddress address, NetworkPort port) => InternetAddress.From(address).Family == AddressFamily.IPv4
        ? string.Create(CultureInfo.InvariantCulture, $"{address}:{port}")
        : string.Create(CultureInfo.InvariantCulture, $"[{address}]:{port}");
}
