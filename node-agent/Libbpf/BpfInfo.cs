using System.Runtime.InteropServices;

namespace Waypoint.NodeAgent.Libbpf;

/// <summary>What the kernel tells about a map, program or link: BPF_OBJ_GET_INFO_BY_FD.</summary>
internal static unsafe class BpfInfo
{
    public static MapInfo Map(BpfDescriptor map) => Get<MapInfo>(map, "map");

    public static LinkInfo Link(BpfDescriptor link) => Get<LinkInfo>(link, "link");

    /// <summary>The hash of a program's instructions, without the maps that they name.</summary>
    public static ulong ProgramTag(BpfDescriptor program) => Get<ProgramInfo>(program, "program").Tag;

    /// <summary>The tag of the program that a link runs now.</summary>
    public static ulong LinkedProgramTag(LinkInfo link)
    {
        var descriptor = Native.GetProgramById(link.ProgramId);
        if (descriptor < 0)
        {
            throw LibbpfException.Last($"open program {link.ProgramId}");
        }

        using var program = new BpfDescriptor(descriptor);
        return ProgramTag(program);
    }

    private static T Get<T>(BpfDescriptor descriptor, string what)
        where T : unmanaged
    {
        T info = default;
        var size = (uint)sizeof(T);
        return Native.GetInfo(descriptor, &info, ref size) < 0
            ? throw LibbpfException.Last($"ask the kernel about a {what}")
            : info;
    }
}

/// <summary>The first fields of struct bpf_map_info.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct MapInfo(uint Type, uint Id, uint KeySize, uint ValueSize, uint MaxEntries, uint Flags);

/// <summary>The first fields of struct bpf_prog_info.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ProgramInfo(uint Type, uint Id, ulong Tag);

/// <summary>struct bpf_link_info of a cgroup link; the cgroup's id is 0 once the cgroup is gone.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct LinkInfo(uint Type, uint Id, uint ProgramId, uint Padding, ulong CgroupId, uint AttachType, uint Tail);
