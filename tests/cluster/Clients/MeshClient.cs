namespace Waypoint.Cluster.Tests.Clients;

/// <summary>How a request comes to the waypoint.</summary>
public enum Carrier
{
    /// <summary>From a pod that our node agent enrolled: redirected at its connect().</summary>
    Kernel,

    /// <summary>In an HBONE tunnel with a certificate of istiod's, as from a node that runs ztunnel.</summary>
    Hbone,
}

/// <summary>Istio's echo client, in front of a waypoint.</summary>
internal abstract class MeshClient
{
    /// <summary>Sends requests to a service of the namespace.</summary>
    /// <param name="target">Scheme, service, port and path, such as <c>http://echo:80/a</c>.</param>
    /// <param name="flags">Flags of the client, such as <c>--count=10</c>.</param>
    /// <returns>An answer a request; those that failed are missing, or have no status.</returns>
    public async Task<IReadOnlyList<EchoResponse>> SendAsync(string target, params IEnumerable<string> flags) =>
        EchoResponse.Parse((await RunAsync(target, flags)).Output);

    /// <summary>Sends one request.</summary>
    public async Task<EchoResponse> GetAsync(string target, params IEnumerable<string> flags) =>
        (await SendAsync(target, flags)) is [var response, ..] ? response : new EchoResponse();

    /// <summary>Sends one request again and again until its answer is as wanted, which it is once a change of configuration is in force.</summary>
    public async Task<EchoResponse> UntilAsync(Func<EchoResponse, bool> wanted, string target, params IEnumerable<string> flags)
    {
        var last = new EchoResponse();
        try
        {
            await Eventually.TrueAsync(async () => wanted(last = await GetAsync(target, flags)), TimeSpan.FromSeconds(20), "the wanted answer");
            return last;
        }
        catch (TimeoutException)
        {
            Assert.Fail($"{target} {string.Join(' ', flags)}: in 20 s no wanted answer; the last was\n{last}");
            throw;
        }
    }

    /// <summary>Runs the client and returns all that it wrote.</summary>
    public abstract Task<ProcessResult> RunAsync(string target, params IEnumerable<string> flags);
}
