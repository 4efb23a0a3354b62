using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Waypoint.NodeAgent.Libbpf;

/// <summary>libbpf 1.x, as in its headers: a pointer result is null and an int result negative on failure, errno is set.</summary>
internal static unsafe partial class Native
{
    public const int LogLevelInfo = 1;

    private const string Library = "libbpf.so.1";

    [LibraryImport(Library, EntryPoint = "libbpf_set_print")]
    public static partial void* SetPrint(delegate* unmanaged[Cdecl]<int, byte*, void*, int> print);

    [LibraryImport("libc", EntryPoint = "vsnprintf")]
    public static partial int FormatVarargs(byte* buffer, nuint size, byte* format, void* arguments);

    [LibraryImport(Library, EntryPoint = "bpf_object__open_mem", SetLastError = true)]
    public static partial nint ObjectOpenMemory(byte* bytes, nuint size, void* options);

    [LibraryImport(Library, EntryPoint = "bpf_object__load", SetLastError = true)]
    public static partial int ObjectLoad(BpfObject handle);

    [LibraryImport(Library, EntryPoint = "bpf_object__close")]
    public static partial void ObjectClose(nint handle);

    [LibraryImport(Library, EntryPoint = "bpf_object__next_map")]
    public static partial nint NextMap(BpfObject handle, nint previous);

    [LibraryImport(Library, EntryPoint = "bpf_object__next_program")]
    public static partial nint NextProgram(BpfObject handle, nint previous);

    [LibraryImport(Library, EntryPoint = "bpf_map__name")]
    public static partial byte* MapName(nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__fd")]
    public static partial int MapDescriptor(nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__set_max_entries", SetLastError = true)]
    public static partial int MapSetMaxEntries(nint map, uint entries);

    [LibraryImport(Library, EntryPoint = "bpf_map__reuse_fd", SetLastError = true)]
    public static partial int MapReuse(nint map, BpfDescriptor descriptor);

    [LibraryImport(Library, EntryPoint = "bpf_program__name")]
    public static partial byte* ProgramName(nint program);

    [LibraryImport(Library, EntryPoint = "bpf_program__fd")]
    public static partial int ProgramDescriptor(nint program);

    [LibraryImport(Library, EntryPoint = "bpf_program__expected_attach_type")]
    public static partial AttachType ProgramAttachType(nint program);

    [LibraryImport(Library, EntryPoint = "bpf_obj_pin", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Pin(BpfDescriptor descriptor, string path);

    [LibraryImport(Library, EntryPoint = "bpf_obj_get", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int GetPinned(string path);

    [LibraryImport(Library, EntryPoint = "bpf_obj_get_info_by_fd", SetLastError = true)]
    public static partial int GetInfo(BpfDescriptor descriptor, void* info, ref uint size);

    [LibraryImport(Library, EntryPoint = "bpf_prog_get_fd_by_id", SetLastError = true)]
    public static partial int GetProgramById(uint id);

    [LibraryImport(Library, EntryPoint = "bpf_link_create", SetLastError = true)]
    public static partial int LinkCreate(BpfDescriptor program, BpfDescriptor target, AttachType type, void* options);

    [LibraryImport(Library, EntryPoint = "bpf_link_update", SetLastError = true)]
    public static partial int LinkUpdate(BpfDescriptor link, BpfDescriptor program, void* options);

    [LibraryImport(Library, EntryPoint = "bpf_link_detach", SetLastError = true)]
    public static partial int LinkDetach(BpfDescriptor link);

    [LibraryImport(Library, EntryPoint = "bpf_prog_attach", SetLastError = true)]
    public static partial int ProgramAttach(BpfDescriptor program, BpfDescriptor target, AttachType type, uint flags);

    [LibraryImport(Library, EntryPoint = "bpf_map_lookup_elem", SetLastError = true)]
    public static partial int MapLookup(BpfDescriptor map, void* key, void* value);

    [LibraryImport(Library, EntryPoint = "bpf_map_update_elem", SetLastError = true)]
    public static partial int MapUpdate(BpfDescriptor map, void* key, void* value, ulong flags);

    [LibraryImport(Library, EntryPoint = "bpf_map_delete_elem", SetLastError = true)]
    public static partial int MapDelete(BpfDescriptor map, void* key);

    [LibraryImport(Library, EntryPoint = "bpf_map_lookup_batch", SetLastError = true)]
    public static partial int MapLookupBatch(BpfDescriptor map, void* inBatch, void* outBatch, void* keys, void* values, uint* count, void* options);

    [LibraryImport(Library, EntryPoint = "bpf_map_update_batch", SetLastError = true)]
    public static partial int MapUpdateBatch(BpfDescriptor map, void* keys, void* values, uint* count, void* options);

    [LibraryImport(Library, EntryPoint = "bpf_map_delete_batch", SetLastError = true)]
    public static partial int MapDeleteBatch(BpfDescriptor map, void* keys, uint* count, void* options);
}

/// <summary>enum bpf_attach_type: those that the engine's programs have.</summary>
internal enum AttachType
{
    CgroupSockOps = 3,
    SkMessageVerdict = 7,
    CgroupInet4Connect = 10,
    CgroupInet6Connect = 11,
    CgroupInet4GetPeerName = 29,
    CgroupInet6GetPeerName = 30,
    CgroupInetSockRelease = 34,
}
