using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Waypoint.NodeAgent.Libbpf;

/// <summary>A compiled object (ELF): opened, then given its maps, then loaded.</summary>
internal sealed unsafe class BpfObject : SafeHandleZeroOrMinusOneIsInvalid
{
    private BpfObject(nint handle)
        : base(ownsHandle: true)
    {
        SetHandle(handle);
        Maps = Enumerate(Native.NextMap, map => new BpfObjectMap(map));
        Programs = Enumerate(Native.NextProgram, program => new BpfObjectProgram(program));
    }

    public IReadOnlyList<BpfObjectMap> Maps { get; }

    public IReadOnlyList<BpfObjectProgram> Programs { get; }

    public static BpfObject Open(ReadOnlySpan<byte> elf)
    {
        LibbpfLog.Begin();
        fixed (byte* bytes = elf)
        {
            var handle = Native.ObjectOpenMemory(bytes, (nuint)elf.Length, null);
            return handle != 0 ? new BpfObject(handle) : throw LibbpfException.Last("open the BPF object", LibbpfLog.Text);
        }
    }

    /// <summary>Creates the maps that were not given and loads the programs; the exception carries the verifier's log.</summary>
    public void Load()
    {
        LibbpfLog.Begin();
        if (Native.ObjectLoad(this) < 0)
        {
            throw LibbpfException.Last("load the BPF object", LibbpfLog.Text);
        }
    }

    protected override bool ReleaseHandle()
    {
        Native.ObjectClose(handle);
        return true;
    }

    private List<T> Enumerate<T>(Func<BpfObject, nint, nint> next, Func<nint, T> create)
    {
        var all = new List<T>();
        for (var item = next(this, 0); item != 0; item = next(this, item))
        {
            all.Add(create(item));
        }

        return all;
    }
}

/// <summary>A map of an object; valid as long as the object is.</summary>
internal sealed unsafe class BpfObjectMap(nint map)
{
    public string Name { get; } = Marshal.PtrToStringUTF8((nint)Native.MapName(map))!;

    /// <summary>Once the object is loaded.</summary>
    public BpfDescriptor Descriptor => BpfDescriptor.Borrowed(Native.MapDescriptor(map));

    /// <summary>Before the object is loaded.</summary>
    public void SetCapacity(uint entries)
    {
        if (Native.MapSetMaxEntries(map, entries) < 0)
        {
            throw LibbpfException.Last($"set the capacity of map {Name} to {entries}");
        }
    }

    /// <summary>Uses an existing map in place of a new one; before the object is loaded.</summary>
    public void Reuse(BpfDescriptor existing)
    {
        LibbpfLog.Begin();
        if (Native.MapReuse(map, existing) < 0)
        {
            throw LibbpfException.Last($"adopt map {Name}", LibbpfLog.Text);
        }
    }
}

/// <summary>A program of an object; valid as long as the object is.</summary>
internal sealed unsafe class BpfObjectProgram(nint program)
{
    public string Name { get; } = Marshal.PtrToStringUTF8((nint)Native.ProgramName(program))!;

    public AttachType AttachType { get; } = Native.ProgramAttachType(program);

    /// <summary>Once the object is loaded.</summary>
    public BpfDescriptor Descriptor => BpfDescriptor.Borrowed(Native.ProgramDescriptor(program));
}
