using Waypoint.Proxy.Hbone.Inbound;
using Waypoint.Proxy.Hbone.Outbound;
using Waypoint.Proxy.Hosting;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Xds;
using Waypoint.Xds.Identity;

namespace Waypoint.Proxy.Hbone;

internal static class HboneServices
{
    /// <summary>Adds HBONE, and the identity that it needs when the pod has a certificate authority. Needs the mesh and the listening plane.</summary>
    public static IServiceCollection AddHbone(this IServiceCollection services, PodEnvironment pod)
    {
        if (pod.CaAddress is not null)
        {
            services.AddSingleton(provider => ControlPlane.Authority(provider.GetRequiredService<PodEnvironment>()));
            services.AddSingleton(_ => new WorkloadIdentity(ControlPlane.Roots));
            services.AddHostedService<CertificateRotation>();
        }

        services.AddSingleton(provider => new HboneIdentity(provider.GetService<WorkloadIdentity>()));
        services.AddSingleton<HboneMetrics>();
        services.AddSingleton<TunnelRefusals>();
        services.AddSingleton(provider => new UpstreamTunnels(
            pod.UpstreamHbone,
            provider.GetRequiredService<HboneIdentity>(),
            provider.GetRequiredService<MeshState>().Workloads,
            Baggage.Of(pod),
            provider.GetRequiredService<TunnelRefusals>()));
        services.AddSingleton<HboneServer>();
        services.AddHostedService(provider => provider.GetRequiredService<HboneServer>());
        return services;
    }
}
