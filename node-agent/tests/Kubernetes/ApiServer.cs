using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Waypoint.NodeAgent.Tests.Kubernetes;

/// <summary>The part of Kubernetes' API that a node agent uses, in the bytes of the real one: lists, watches with their versions, a patch.</summary>
internal sealed class ApiServer : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly WebApplication _application;
    private readonly SortedDictionary<string, JsonObject> _objects = new(StringComparer.Ordinal);
    private ImmutableArray<Event> _events = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource _watches = new();
    private long _version = 100;
    private long _oldest;

    private ApiServer(WebApplication application) => _application = application;

    public Uri Address => new(_application.Urls.Single());

    /// <summary>Every request: method, path, query, and a patch's body.</summary>
    public ImmutableList<string> Requests { get; private set; } = [];

    /// <summary>What the last request showed.</summary>
    public string? Authorization { get; private set; }

    /// <summary>When set, what every request is answered with.</summary>
    public HttpStatusCode? Refuses { get; set; }

    /// <summary>When set, the only resource of which nothing is told.</summary>
    public string? Withholds { get; set; }

    /// <summary>Whether a version that is too old is told by the status of the response instead of in the stream: servers do either.</summary>
    public bool TellsExpiryByStatus { get; set; }

    /// <param name="listen">Makes a listener of the endpoint, for instance with TLS.</param>
    public static async Task<ApiServer> StartAsync(IPEndPoint endPoint, Action<ListenOptions>? listen = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(endPoint, options => listen?.Invoke(options)));
        WebApplication application = builder.Build();
        var server = new ApiServer(application);
        application.Run(server.ServeAsync);
        await application.StartAsync();
        return server;
    }

    /// <summary>Writes how to reach it, for a program of its own.</summary>
    /// <returns>The file.</returns>
    public async Task<string> WriteKubeconfigAsync(string directory)
    {
        string file = Path.Combine(directory, "kubeconfig");
        await File.WriteAllTextAsync(file, $$$"""
            current-context: bed
            contexts: [{name: bed, context: {cluster: bed, user: bed}}]
            clusters: [{name: bed, cluster: {server: "{{{Address}}}"}}]
            users: [{name: bed, user: {token: t}}]
            """);
        return file;
    }

    /// <summary>Makes or changes an object. <c>pods/shop/a</c>, <c>namespaces/shop</c>.</summary>
    public void Put(string path, JsonObject body)
    {
        lock (_gate)
        {
            string type = _objects.ContainsKey(path) ? "MODIFIED" : "ADDED";
            Store(path, body);
            Happen(type, path);
        }
    }

    public void Delete(string path)
    {
        lock (_gate)
        {
            JsonObject body = _objects[path];
            body["metadata"]!["resourceVersion"] = Next();
            Happen("DELETED", path);
            _objects.Remove(path);
        }
    }

    public JsonObject Get(string path)
    {
        lock (_gate)
        {
            return (JsonObject)_objects[path].DeepClone();
        }
    }

    /// <summary>Sends watchers a version without a change.</summary>
    public string Bookmark(string resource)
    {
        lock (_gate)
        {
            string version = Next();
            Send(resource, "BOOKMARK", new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = version } });
            return version;
        }
    }

    /// <summary>Sends watchers a line of the test's own.</summary>
    public void SendRaw(string resource, string line)
    {
        lock (_gate)
        {
            Append(new Event(resource, ++_version, line));
        }
    }

    /// <summary>Cuts all watches off.</summary>
    public void Break()
    {
        lock (_gate)
        {
            _watches.Cancel();
            _watches = new CancellationTokenSource();
        }
    }

    /// <summary>Forgets what happened: watches from before must list again.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _oldest = ++_version;
            _events = [];
        }
    }

    public async ValueTask DisposeAsync()
    {
        Break();
        await _application.StopAsync(new CancellationToken(canceled: true));
        await _application.DisposeAsync();
        _watches.Dispose();
    }

    private async Task ServeAsync(HttpContext context)
    {
        string body = await new StreamReader(context.Request.Body, Encoding.UTF8).ReadToEndAsync();
        lock (_gate)
        {
            Requests = Requests.Add($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString} {body}".TrimEnd());
            Authorization = context.Request.Headers.Authorization;
        }

        // api/v1/…, and apis/GROUP/v1/… of groups with a name.
        string[] path = context.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        path = path[0] == "apis" ? path[1..] : path;
        if (Refuses is { } status)
        {
            await RefuseAsync(context, (int)status, "Refused", "not now");
        }
        else if (path[2] == Withholds)
        {
            await RefuseAsync(context, 503, "ServiceUnavailable", "not yet");
        }
        else if (context.Request.Method == "PATCH")
        {
            await PatchAsync(context, $"pods/{path[3]}/{path[5]}", (JsonObject)JsonNode.Parse(body)!);
        }
        else if (context.Request.Query["watch"] == "true")
        {
            await WatchAsync(context, path[2], long.Parse(context.Request.Query["resourceVersion"]!, CultureInfo.InvariantCulture));
        }
        else
        {
            await context.Response.WriteAsync(List(path[2]));
        }
    }

    private string List(string resource)
    {
        lock (_gate)
        {
            return new JsonObject
            {
                ["kind"] = "List",
                ["metadata"] = new JsonObject { ["resourceVersion"] = _version.ToString(CultureInfo.InvariantCulture) },
                ["items"] = new JsonArray([.. _objects.Where(entry => entry.Key.StartsWith($"{resource}/", StringComparison.Ordinal)).Select(entry => entry.Value.DeepClone())]),
            }.ToJsonString();
        }
    }

    private async Task WatchAsync(HttpContext context, string resource, long version)
    {
        CancellationToken broken;
        lock (_gate)
        {
            broken = _watches.Token;
        }

        context.Response.ContentType = "application/json";
        if (version < _oldest)
        {
            if (TellsExpiryByStatus)
            {
                await RefuseAsync(context, 410, "Expired", "too old resource version");
                return;
            }

            await context.Response.WriteAsync("""{"type":"ERROR","object":{"kind":"Status","status":"Failure","reason":"Expired","message":"too old resource version","code":410}}""" + "\n");
            return;
        }

        await context.Response.Body.FlushAsync();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(broken, context.RequestAborted);
        while (!ended.IsCancellationRequested)
        {
            Task changed;
            Event[] due;
            lock (_gate)
            {
                changed = _changed.Task;
                due = [.. _events.Where(happened => happened.Resource == resource && happened.Version > version)];
            }

            foreach (Event happened in due)
            {
                await context.Response.WriteAsync(happened.Line + "\n");
                version = happened.Version;
            }

            await context.Response.Body.FlushAsync();
            await changed.WaitAsync(ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        context.Abort();
    }

    private async Task PatchAsync(HttpContext context, string path, JsonObject patch)
    {
        bool conflict;
        lock (_gate)
        {
            JsonObject? body = _objects.GetValueOrDefault(path);
            conflict = body is null || (string?)patch["metadata"]!["uid"] != (string?)body["metadata"]!["uid"];
            if (!conflict)
            {
                var annotations = (JsonObject)(body!["metadata"]!["annotations"] ??= new JsonObject());
                foreach ((string name, JsonNode? value) in (JsonObject)patch["metadata"]!["annotations"]!)
                {
                    annotations.Remove(name);
                    if (value is not null)
                    {
                        annotations[name] = value.DeepClone();
                    }
                }

                Store(path, body);
                Happen("MODIFIED", path);
            }
        }

        await (conflict ? RefuseAsync(context, 409, "Conflict", "the uid is another") : context.Response.WriteAsync("{}"));
    }

    private static Task RefuseAsync(HttpContext context, int status, string reason, string message)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync($$"""{"kind":"Status","status":"Failure","reason":"{{reason}}","message":"{{message}}","code":{{status}}}""");
    }

    private void Store(string path, JsonObject body)
    {
        body["metadata"]!["resourceVersion"] = Next();
        _objects[path] = body;
    }

    private string Next() => (++_version).ToString(CultureInfo.InvariantCulture);

    private void Happen(string type, string path) => Send(path[..path.IndexOf('/', StringComparison.Ordinal)], type, _objects[path]);

    private void Send(string resource, string type, JsonObject body) =>
        Append(new Event(resource, _version, new JsonObject { ["type"] = type, ["object"] = body.DeepClone() }.ToJsonString()));

    private void Append(Event happened)
    {
        _events = _events.Add(happened);
        _changed.SetResult();
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed record Event(string Resource, long Version, string Line);
}
