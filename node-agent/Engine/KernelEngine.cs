using Waypoint.NodeAgent.Libbpf;

namespace Waypoint.NodeAgent.Engine;

/// <summary>
/// The kernel engine: its programs and maps. It outlives the process (design D6): <see cref="Open"/> adopts the maps that are
/// pinned or makes new ones, then the caller fills them, then <see cref="Attach"/> lets connections meet this version's
/// programs. Until then whatever was attached goes on unchanged.
/// </summary>
internal sealed class KernelEngine : IKernelMaps, IDisposable
{
    private readonly BpfObject _object;
    private readonly Dictionary<string, BpfDescriptor> _maps;
    private readonly Attachment _attachment;

    private KernelEngine(KernelEngineOptions options, BpfObject loaded, bool adopted)
    {
        _object = loaded;
        _maps = loaded.Maps.ToDictionary(map => map.Name, map => map.Descriptor);
        _attachment = new Attachment(options, loaded, adopted);
        Adopted = adopted;
        Pods = new("pods", _maps["pods"]);
        Frontends = new("frontends", _maps["frontends"]);
        Services = new("services", _maps["services"]);
        Slots = new("slots", _maps["slots"]);
        Backends = new("backends", _maps["backends"]);
        Counters = new KernelCounters(_maps["counters"]);
        Settings = new KernelSettings(
            Contract.LayoutVersion,
            (options.Events ? SettingFlags.Events : SettingFlags.None) | (options.BalanceAll ? SettingFlags.BalanceAll : SettingFlags.None));
    }

    /// <summary>Whether the maps were there already, with their entries; otherwise they are new and empty.</summary>
    public bool Adopted { get; }

    /// <summary>Enrolled network namespaces by cookie.</summary>
    public KernelHashMap<ulong, Pod> Pods { get; }

    public KernelHashMap<FrontendKey, Frontend> Frontends { get; }

    public KernelHashMap<uint, Service> Services { get; }

    public KernelHashMap<SlotKey, Slot> Slots { get; }

    public KernelHashMap<uint, Backend> Backends { get; }

    public KernelCounters Counters { get; }

    IKernelMap<ulong, Pod> IKernelMaps.Pods => Pods;

    IKernelMap<FrontendKey, Frontend> IKernelMaps.Frontends => Frontends;

    IKernelMap<uint, Service> IKernelMaps.Services => Services;

    IKernelMap<SlotKey, Slot> IKernelMaps.Slots => Slots;

    IKernelMap<uint, Backend> IKernelMaps.Backends => Backends;

    /// <summary>Setting takes effect at once, on connections of all versions of the programs.</summary>
    public unsafe KernelSettings Settings
    {
        get
        {
            uint key = 0;
            KernelSettings settings;
            return Native.MapLookup(_maps["settings"], &key, &settings) == 0 ? settings : throw LibbpfException.Last("read map settings");
        }

        set
        {
            uint key = 0;
            if (Native.MapUpdate(_maps["settings"], &key, &value, 0) < 0)
            {
                throw LibbpfException.Last("write map settings");
            }
        }
    }

    /// <summary>Loads the programs, with the maps that are pinned when their layout is the same.</summary>
    /// <exception cref="KernelLayoutException">Maps of another layout are pinned and may not be replaced.</exception>
    /// <exception cref="LibbpfException">The kernel does not take the programs; the message carries its log.</exception>
    public static KernelEngine Open(KernelEngineOptions options) => Open(options, EmbeddedObject());

    /// <inheritdoc cref="Open(KernelEngineOptions)"/>
    internal static KernelEngine Open(KernelEngineOptions options, ReadOnlySpan<byte> elf)
    {
        BpfFileSystem.Ensure(options.BpffsPath, options.MountBpffs);
        var pins = new Pins(options.BpffsPath);
        var found = pins.LayoutVersion();
        if (found is { } version && version != Contract.LayoutVersion && options.OnLayoutChange == LayoutChange.Refuse)
        {
            throw new KernelLayoutException(options.BpffsPath, version);
        }

        var adopted = found == Contract.LayoutVersion;
        var engine = BpfObject.Open(elf);
        try
        {
            foreach (var map in engine.Maps)
            {
                using var pinned = adopted ? BpfDescriptor.FindPinned(pins.Map(map.Name)) : null;
                if (pinned is not null)
                {
                    map.Reuse(pinned);
                }
                else if (options.Capacities.Of(map.Name) is { } capacity)
                {
                    map.SetCapacity(capacity);
                }
            }

            engine.Load();
            return new KernelEngine(options, engine, adopted);
        }
        catch
        {
            engine.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Pins everything and puts the programs in force, each by one atomic switch; a program that is in force already, with the
    /// same code, is left alone.
    /// </summary>
    /// <returns>The names of the programs that were put in force.</returns>
    public IReadOnlyList<string> Attach() => _attachment.Apply();

    /// <summary>Whether the socket of that cookie is to send a PROXY header, or has sent one that is not acknowledged yet.</summary>
    public unsafe bool IsWatched(ulong socketCookie)
    {
        ulong value;
        return Native.MapLookup(_maps["watched"], &socketCookie, &value) == 0;
    }

    /// <summary>The events of connections; one reader at a time.</summary>
    public ConnectionEvents OpenEvents() => new(_maps["events"]);

    /// <summary>Takes the programs out of force and forgets the maps. Connections go on where they are.</summary>
    public static void Uninstall(string bpffsPath) => new Pins(bpffsPath).RemoveAll();

    /// <summary>Leaves everything in force.</summary>
    public void Dispose() => _object.Dispose();

    /// <summary>What bpf/Makefile built.</summary>
    internal static byte[] EmbeddedObject()
    {
        using var stream = typeof(KernelEngine).Assembly.GetManifestResourceStream("waypoint.bpf.o")!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
