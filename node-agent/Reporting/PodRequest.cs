using System.Text.Json;
using Waypoint.NodeAgent.Enrolment;

namespace Waypoint.NodeAgent.Reporting;

/// <summary>The body of a request to <c>/pods</c>: <c>{"netns":"/proc/123/ns/net"}</c> or <c>{"pid":123}</c>, to un-enrol also <c>{"cookie":4711}</c>.</summary>
internal sealed record PodRequest(string? NetworkNamespace, int? Process, ulong? Cookie, string? Name)
{
    /// <exception cref="EnrolmentException">The request names none.</exception>
    public string PathToNamespace =>
        NetworkNamespace
        ?? (Process is { } process ? PodRegistry.PathOf(process) : throw new EnrolmentException("The request names neither \"netns\" nor \"pid\"."));

    /// <exception cref="EnrolmentException">The body is not as it should be.</exception>
    public static async Task<PodRequest> ReadAsync(HttpContext context)
    {
        try
        {
            using JsonDocument body = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted).ConfigureAwait(false);
            string? netns = null;
            int? process = null;
            ulong? cookie = null;
            string? name = null;
            foreach (JsonProperty property in body.RootElement.EnumerateObject())
            {
                switch (property.Name)
                {
                    case "netns":
                        netns = property.Value.GetString();
                        break;
                    case "pid":
                        process = property.Value.GetInt32();
                        break;
                    case "cookie":
                        cookie = property.Value.GetUInt64();
                        break;
                    case "name":
                        name = property.Value.GetString();
                        break;
                    default:
                        throw new EnrolmentException($"The request has an unknown field \"{property.Name}\" (known: netns, pid, cookie, name).");
                }
            }

            return new PodRequest(netns, process, cookie, name);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            throw new EnrolmentException($"The request is no JSON object such as {{\"netns\":\"/proc/123/ns/net\"}}: {exception.Message}");
        }
    }
}
