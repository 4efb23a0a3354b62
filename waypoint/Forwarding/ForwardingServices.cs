using Yarp.ReverseProxy.Forwarder;

namespace Waypoint.Proxy.Forwarding;

internal static class ForwardingServices
{
    /// <summary>Adds <see cref="RequestPipeline"/>, and <see cref="ProxyApplication"/> for Kestrel to run.</summary>
    public static IServiceCollection AddForwarding(this IServiceCollection services)
    {
        services.AddHttpForwarder();
        services.AddSingleton<RequestPipeline>();
        services.AddSingleton<ProxyApplication>();
        return services;
    }
}
