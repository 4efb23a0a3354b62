using Waypoint.Proxy.Xds;

namespace Waypoint.Proxy.Admin;

/// <summary><c>/unsupported</c>: what the configuration asks for and this version does not do; nobody should have to guess.</summary>
internal sealed class UnsupportedPage(MeshModel model)
{
    public Task AnswerAsync(HttpContext context) => context.WriteTextAsync(string.Concat(model.Unsupported.Select(feature => $"{feature}\n")));
}
