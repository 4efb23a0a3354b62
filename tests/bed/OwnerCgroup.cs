namespace Waypoint.TestBed;

/// <summary>
/// Lends this process to a bed's cgroup. A socket belongs, for cgroup BPF, to the cgroup of the process that created it, for ever: so the
/// owner of a bed joins the bed before it creates a socket in one of its pods. With one bed that happens once; owners of several
/// beds move to and fro, a matter of milliseconds.
/// </summary>
internal static class OwnerCgroup
{
    private static readonly Lock Gate = new();
    private static string s_current = CgroupMount.OfOwner;

    /// <summary>Runs <paramref name="body"/> as a member of the bed; no other bed can take the process away meanwhile.</summary>
    internal static T Within<T>(string bedCgroup, Func<T> body)
    {
        lock (Gate)
        {
            Join(Below(bedCgroup));
            return body();
        }
    }

    /// <summary>Must precede the end of the bed's cgroup, which kills whoever is inside.</summary>
    internal static void Leave(string bedCgroup)
    {
        lock (Gate)
        {
            if (s_current == Below(bedCgroup))
            {
                Join(CgroupMount.OfOwner);
            }
        }
    }

    private static string Below(string bedCgroup) => Directory.CreateDirectory(Path.Combine(bedCgroup, "owner")).FullName;

    private static void Join(string cgroup)
    {
        if (s_current != cgroup)
        {
            File.WriteAllText(Path.Combine(cgroup, "cgroup.procs"), "0");
            s_current = cgroup;
        }
    }
}
