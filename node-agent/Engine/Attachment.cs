using Waypoint.NodeAgent.Libbpf;

namespace Waypoint.NodeAgent.Engine;

/// <summary>Puts the programs of a loaded object in force and pins what must outlive the process.</summary>
/// <remarks>
/// A kill at any point leaves connections working. The map `settings` is pinned last: without it, or with another layout in
/// it, the next start takes the pins for incomplete and makes new maps.
/// </remarks>
internal sealed unsafe class Attachment(KernelEngineOptions options, BpfObject loaded, bool adopted)
{
    private readonly Pins _pins = new(options.BpffsPath);
    private bool _sameMaps = adopted;

    /// <returns>The names of the programs that were put in force.</returns>
    public IReadOnlyList<string> Apply()
    {
        var replaced = new List<string>();
        _pins.CreateDirectories();
        using var cgroup = Cgroup.Open(options.CgroupPath);
        var cgroupId = Cgroup.Id(options.CgroupPath);

        // connect() comes last: it promises what the others keep.
        foreach (var program in loaded.Programs.OrderBy(IsConnect))
        {
            using var descriptor = program.Descriptor;
            var changed = program.AttachType == AttachType.SkMessageVerdict
                ? AttachToWatched(program.Name, descriptor)
                : AttachToCgroup(program, descriptor, cgroup, cgroupId);
            if (changed)
            {
                descriptor.Pin(_pins.Program(program.Name));
                replaced.Add(program.Name);
            }
        }

        if (!_sameMaps)
        {
            foreach (var map in loaded.Maps.OrderBy(map => map.Name == "settings"))
            {
                using var descriptor = map.Descriptor;
                descriptor.Pin(_pins.Map(map.Name));
            }

            _sameMaps = true;
        }

        return replaced;
    }

    private static bool IsConnect(BpfObjectProgram program) =>
        program.AttachType is AttachType.CgroupInet4Connect or AttachType.CgroupInet6Connect;

    private bool AttachToCgroup(BpfObjectProgram program, BpfDescriptor descriptor, BpfDescriptor cgroup, ulong cgroupId)
    {
        using var pinned = BpfDescriptor.FindPinned(_pins.Link(program.Name));
        if (pinned is not null)
        {
            var link = BpfInfo.Link(pinned);
            if (link.CgroupId == cgroupId)
            {
                if (_sameMaps && BpfInfo.LinkedProgramTag(link) == BpfInfo.ProgramTag(descriptor))
                {
                    return false;
                }

                if (Native.LinkUpdate(pinned, descriptor, null) < 0)
                {
                    throw LibbpfException.Last($"replace program {program.Name}");
                }

                return true;
            }
        }

        var created = Native.LinkCreate(descriptor, cgroup, program.AttachType, null);
        if (created < 0)
        {
            throw LibbpfException.Last($"attach program {program.Name} to {options.CgroupPath}");
        }

        using var newLink = new BpfDescriptor(created);
        newLink.Pin(_pins.Link(program.Name));
        return true;
    }

    // Not a link: those for sockmaps need Linux 6.13. The map itself holds the program.
    private bool AttachToWatched(string name, BpfDescriptor descriptor)
    {
        using var pinned = BpfDescriptor.FindPinned(_pins.Program(name));
        if (_sameMaps && pinned is not null && BpfInfo.ProgramTag(pinned) == BpfInfo.ProgramTag(descriptor))
        {
            return false;
        }

        using var watched = loaded.Maps.Single(map => map.Name == "watched").Descriptor;
        return Native.ProgramAttach(descriptor, watched, AttachType.SkMessageVerdict, 0) < 0
            ? throw LibbpfException.Last($"attach program {name} to map watched")
            : true;
    }
}
