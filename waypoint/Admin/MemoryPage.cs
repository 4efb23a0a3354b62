using System.Globalization;

namespace Waypoint.Proxy.Admin;

/// <summary><c>/memory</c>, as far as envoy.admin.v3.Memory has words for a runtime with a garbage collector.</summary>
internal static class MemoryPage
{
    public static Task AnswerAsync(HttpContext context) => context.WriteJsonAsync(static writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("allocated", GC.GetTotalMemory(forceFullCollection: false).ToString(CultureInfo.InvariantCulture));
        writer.WriteString("heap_size", GC.GetGCMemoryInfo().TotalCommittedBytes.ToString(CultureInfo.InvariantCulture));
        writer.WriteString("total_physical_bytes", Environment.WorkingSet.ToString(CultureInfo.InvariantCulture));
        writer.WriteEndObject();
    });
}
