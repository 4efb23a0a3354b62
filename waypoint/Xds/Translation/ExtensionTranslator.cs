using Envoy.Config.Core.V3;
using Envoy.Extensions.Wasm.V3;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>Filters that chains name and ECDS describes. None of them runs here; what counts is whether a chain may go on without it.</summary>
internal static class ExtensionTranslator
{
    /// <exception cref="ResourceException">It cannot be read.</exception>
    public static bool FailsOpen(TypedExtensionConfig extension, TranslationScope scope)
    {
        if (extension.TypedConfig is not { } config)
        {
            throw scope.Invalid("typed_config", "missing");
        }

        return config.TypeName() switch
        {
            "envoy.extensions.filters.http.wasm.v3.Wasm" =>
                FailsOpen(config.Open<Envoy.Extensions.Filters.Http.Wasm.V3.Wasm>(scope, "typed_config").Config),
            "envoy.extensions.filters.network.wasm.v3.Wasm" =>
                FailsOpen(config.Open<Envoy.Extensions.Filters.Network.Wasm.V3.Wasm>(scope, "typed_config").Config),
            _ => false,
        };
    }

    // The flag is the older form of the policy.
    private static bool FailsOpen(PluginConfig? plugin) =>
        plugin is { FailurePolicy: FailurePolicy.FailOpen } or { FailurePolicy: FailurePolicy.Unspecified, FailOpen: true };
}
