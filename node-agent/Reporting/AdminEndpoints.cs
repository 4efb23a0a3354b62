using System.Globalization;
using System.Text.Json;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Enrolment;
using Waypoint.NodeAgent.Enrolment.Labels;
using Waypoint.NodeAgent.Reconciliation;

namespace Waypoint.NodeAgent.Reporting;

/// <summary>The admin endpoint: health, dumps of the state, and the enrolment of pods.</summary>
/// <param name="enroller">Enrols by labels; null when pods are enrolled here, by hand.</param>
internal sealed class AdminEndpoints(Reconciler reconciler, IKernelMaps maps, Readiness readiness, PodEnroller? enroller = null)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/healthz/ready", ReadyAsync);
        routes.MapGet("/debug/intent", context => WriteJsonAsync(context, json =>
            reconciler.Read(state => StateDump.WriteIntent(json, reconciler.Intent, state))));
        routes.MapGet("/debug/maps", context => WriteJsonAsync(context, json =>
            reconciler.Read(state => StateDump.WriteMaps(json, maps, state))));
        routes.MapGet("/debug/difference", context => WriteJsonAsync(context, json =>
            reconciler.Read(state => StateDump.WriteDifference(json, state.Writer.Difference()))));
        routes.MapGet("/pods", context => WriteJsonAsync(context, json =>
            reconciler.Read(state => StateDump.WritePods(json, state, reconciler.Intent, enroller?.Current ?? []))));
        if (enroller is null)
        {
            routes.MapPost("/pods", EnrolAsync);
            routes.MapDelete("/pods", UnenrolAsync);
        }
    }

    private Task ReadyAsync(HttpContext context)
    {
        string? missing = readiness.Missing;
        context.Response.StatusCode = missing is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return context.Response.WriteAsync((missing ?? "ready") + "\n", context.RequestAborted);
    }

    private async Task EnrolAsync(HttpContext context)
    {
        try
        {
            PodRequest request = await PodRequest.ReadAsync(context).ConfigureAwait(false);
            EnrolledPod pod = PodRegistry.Inspect(request.PathToNamespace, request.Name);
            reconciler.Enrol(pod);
            await WriteJsonAsync(context, json => reconciler.Read(state => StateDump.WritePod(
                json, pod, reconciler.Intent.Pods.GetValueOrDefault(pod.Cookie), StateDump.WorkloadOf(state.Store, pod)))).ConfigureAwait(false);
        }
        catch (EnrolmentException exception)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, exception.Message).ConfigureAwait(false);
        }
    }

    private async Task UnenrolAsync(HttpContext context)
    {
        try
        {
            PodRequest request = await PodRequest.ReadAsync(context).ConfigureAwait(false);
            ulong cookie = request.Cookie ?? PodRegistry.Inspect(request.PathToNamespace, request.Name).Cookie;
            if (reconciler.Unenrol(cookie))
            {
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                return;
            }

            await RefuseAsync(context, StatusCodes.Status404NotFound, string.Create(
                CultureInfo.InvariantCulture, $"The network namespace with the cookie {cookie} is not enrolled.")).ConfigureAwait(false);
        }
        catch (EnrolmentException exception)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, exception.Message).ConfigureAwait(false);
        }
    }

    private static Task RefuseAsync(HttpContext context, int status, string reason)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(reason + "\n", context.RequestAborted);
    }

    private static async Task WriteJsonAsync(HttpContext context, Action<Utf8JsonWriter> write)
    {
        // Written to memory first: the state is locked meanwhile, and a slow reader must not hold it.
        using var buffer = new MemoryStream();
        await using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            write(json);
        }

        context.Response.ContentType = "application/json";
        context.Response.ContentLength = buffer.Length;
        await context.Response.Body.WriteAsync(buffer.GetBuffer().AsMemory(0, (int)buffer.Length), context.RequestAborted).ConfigureAwait(false);
    }
}
