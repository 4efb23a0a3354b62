using System.Text;
using System.Text.Json;

namespace Waypoint.Proxy.Admin;

/// <summary>The forms in which the admin server answers.</summary>
internal static class AdminAnswers
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true, IndentSize = 1 };

    public static Task WriteTextAsync(this HttpContext context, string text) =>
        context.WriteAsync("text/plain; charset=UTF-8", Encoding.UTF8.GetBytes(text));

    public static Task WriteJsonAsync(this HttpContext context, Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Indented))
        {
            write(writer);
        }

        buffer.WriteByte((byte)'\n');
        return context.WriteAsync("application/json", buffer.ToArray());
    }

    private static Task WriteAsync(this HttpContext context, string contentType, byte[] body)
    {
        context.Response.ContentType = contentType;
        context.Response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(body).AsTask();
    }
}
