using System.Net;

namespace Waypoint.Proxy.Admin;

/// <summary>One address of the admin server and what can be asked there.</summary>
internal sealed class AdminEndpoints(IPEndPoint address)
{
    private readonly Dictionary<string, (bool ChangesState, RequestDelegate Answer)> _paths = new(StringComparer.Ordinal);

    public IPEndPoint Address => address;

    public IEnumerable<string> Paths => _paths.Keys;

    /// <summary>Something to read: GET or HEAD.</summary>
    public AdminEndpoints Get(string path, RequestDelegate answer)
    {
        _paths.Add(path, (false, answer));
        return this;
    }

    /// <summary>Something to do: POST alone, so that no link and no crawler does it.</summary>
    public AdminEndpoints Post(string path, RequestDelegate answer)
    {
        _paths.Add(path, (true, answer));
        return this;
    }

    public Task HandleAsync(HttpContext context)
    {
        if (!_paths.TryGetValue(context.Request.Path.Value ?? "/", out var found))
        {
            // Envoy's list of what there is has this address.
            var isHelp = context.Request.Path.Value is "/" or "/help";
            context.Response.StatusCode = isHelp ? StatusCodes.Status200OK : StatusCodes.Status404NotFound;
            return context.WriteTextAsync($"{(isHelp ? "" : $"{context.Request.Path} is not here. ")}There is:\n  {string.Join("\n  ", Paths)}\n");
        }

        var isAllowed = found.ChangesState ? HttpMethods.IsPost(context.Request.Method) : HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
        if (!isAllowed)
        {
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            context.Response.Headers.Allow = found.ChangesState ? "POST" : "GET, HEAD";
            return context.WriteTextAsync("Method Not Allowed\n");
        }

        return found.Answer(context);
    }
}
