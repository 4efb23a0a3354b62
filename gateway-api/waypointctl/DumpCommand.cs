using System.Net.Http;
using Spectre.Console;

namespace Waypoint.Ctl;

/// <summary>Fetches a page of a program's admin endpoint.</summary>
internal sealed class DumpCommand(TextWriter output, IAnsiConsole errors)
{
    private const int Failure = 1;
    private const int Misuse = 2;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    // What each program tells of its intent, and where it listens for such questions.
    private static readonly Dictionary<string, (string Address, string Path)> Targets = new()
    {
        ["agent"] = ("127.0.0.1:15200", "/debug/difference"),
        ["waypoint"] = ("127.0.0.1:15000", "/config_dump"),
        ["control-plane"] = ("127.0.0.1:15014", "/debug/resources"),
    };

    public async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        if (arguments.Count == 0 || !Targets.TryGetValue(arguments[0], out (string Address, string Path) target))
        {
            errors.WriteLine($"waypointctl dump: one of {string.Join(", ", Targets.Keys)} is wanted");
            return Misuse;
        }

        for (int index = 1; index < arguments.Count; index++)
        {
            if (arguments[index] == "--address" && index + 1 < arguments.Count)
            {
                target.Address = arguments[++index];
            }
            else if (arguments[index].StartsWith('/'))
            {
                target.Path = arguments[index];
            }
            else
            {
                errors.WriteLine($"waypointctl dump: {arguments[index]} is not understood");
                return Misuse;
            }
        }

        if (!Uri.TryCreate($"http://{target.Address}{target.Path}", UriKind.Absolute, out Uri? uri))
        {
            errors.WriteLine($"waypointctl dump: \"{target.Address}\" is not an address");
            return Misuse;
        }

        return await FetchAsync(uri).ConfigureAwait(false);
    }

    private async Task<int> FetchAsync(Uri uri)
    {
        using HttpClient client = new() { Timeout = Timeout };
        try
        {
            using HttpResponseMessage response = await client.GetAsync(uri).ConfigureAwait(false);
            string body = await response.Content.ReadAsStringAsync().ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                errors.WriteLine($"waypointctl dump: {uri} answered {(int)response.StatusCode}: {body.Trim()}");
                return Failure;
            }

            await output.WriteLineAsync(body.TrimEnd()).ConfigureAwait(false);
            return 0;
        }
        catch (HttpRequestException exception)
        {
            errors.WriteLine($"waypointctl dump: {uri}: {exception.Message}");
        }
        catch (TaskCanceledException)
        {
            errors.WriteLine($"waypointctl dump: {uri} did not answer within {Timeout.TotalSeconds} s");
        }

        return Failure;
    }
}
