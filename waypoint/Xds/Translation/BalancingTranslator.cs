using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.LoadBalancing.Hashing;
using Wire = Envoy.Config.Cluster.V3;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>How a cluster's endpoints are chosen among.</summary>
internal static class BalancingTranslator
{
    public static Balancing Translate(Wire.Cluster cluster, TranslationScope scope)
    {
        scope.UnsupportedIf(cluster.LbSubsetConfig is not null, "lb_subset_config");
        scope.UnsupportedIf(cluster.CommonLbConfig?.ZoneAwareLbConfig is not null, "zone_aware_lb_config");
        scope.UnsupportedIf(
            cluster.CommonLbConfig?.ConsistentHashingLbConfig is { } hashing && (hashing.UseHostnameForHashing || hashing.HashBalanceFactor > 0),
            "consistent_hashing_lb_config");
        scope.UnsupportedIf(cluster.LeastRequestLbConfig?.ActiveRequestBias is { DefaultValue: not 1 }, "active_request_bias");
        return new Balancing
        {
            Policy = Policy(cluster, scope),
            Ring = Ring(cluster.RingHashLbConfig, scope),
            MaglevSize = MaglevSize(cluster.MaglevLbConfig, scope),
            Choices = (int)Math.Clamp(cluster.LeastRequestLbConfig?.ChoiceCount ?? 2, 2, 1000),
            SlowStart = SlowStart(cluster.RoundRobinLbConfig?.SlowStartConfig ?? cluster.LeastRequestLbConfig?.SlowStartConfig, scope),
        };
    }

    private static LoadBalancingPolicy Policy(Wire.Cluster cluster, TranslationScope scope)
    {
        if (cluster.LoadBalancingPolicy is not null)
        {
            scope.Unsupported("load_balancing_policy (least request is used)");
            return LoadBalancingPolicy.LeastRequest;
        }

        switch (cluster.LbPolicy)
        {
            case Wire.Cluster.Types.LbPolicy.RoundRobin:
                return LoadBalancingPolicy.RoundRobin;
            case Wire.Cluster.Types.LbPolicy.Random:
                return LoadBalancingPolicy.Random;
            case Wire.Cluster.Types.LbPolicy.RingHash:
                return LoadBalancingPolicy.RingHash;
            case Wire.Cluster.Types.LbPolicy.Maglev:
                return LoadBalancingPolicy.Maglev;
            case Wire.Cluster.Types.LbPolicy.LeastRequest:
            case Wire.Cluster.Types.LbPolicy.ClusterProvided:
                return LoadBalancingPolicy.LeastRequest;
            default:
                scope.Unsupported($"lb_policy {cluster.LbPolicy} (least request is used)");
                return LoadBalancingPolicy.LeastRequest;
        }
    }

    private static RingSettings Ring(Wire.Cluster.Types.RingHashLbConfig? ring, TranslationScope scope)
    {
        const ulong Most = 8 * 1024 * 1024;
        var settings = new RingSettings();
        settings = settings with
        {
            MinimumSize = ring?.MinimumRingSize ?? settings.MinimumSize,
            MaximumSize = ring?.MaximumRingSize ?? settings.MaximumSize,
            IsMurmur = ring?.HashFunction == Wire.Cluster.Types.RingHashLbConfig.Types.HashFunction.MurmurHash2,
        };
        return settings is { MinimumSize: > 0 and <= Most, MaximumSize: > 0 and <= Most } && settings.MinimumSize <= settings.MaximumSize
            ? settings
            : throw scope.Invalid("ring_hash_lb_config", $"sizes from {settings.MinimumSize} to {settings.MaximumSize} are no range within 1 to {Most}");
    }

    private static uint MaglevSize(Wire.Cluster.Types.MaglevLbConfig? maglev, TranslationScope scope)
    {
        const ulong Most = 5_000_011;
        var size = maglev?.TableSize ?? MaglevTable.DefaultSize;
        if (size is > 1 and <= Most && IsPrime((uint)size))
        {
            return (uint)size;
        }

        throw scope.Invalid("maglev_lb_config.table_size", $"{size} is not a prime number up to {Most}");
    }

    private static bool IsPrime(uint number)
    {
        for (var divisor = 2u; divisor * divisor <= number; divisor++)
        {
            if (number % divisor == 0)
            {
                return false;
            }
        }

        return true;
    }

    private static SlowStart? SlowStart(Wire.Cluster.Types.SlowStartConfig? config, TranslationScope scope)
    {
        if (config?.SlowStartWindow is null)
        {
            return null;
        }

        var window = config.SlowStartWindow.ToTime(TimeSpan.Zero, scope, "slow_start_config.slow_start_window");
        var aggression = config.Aggression?.DefaultValue ?? 1;
        if (!(aggression > 0))
        {
            throw scope.Invalid("slow_start_config.aggression", $"{aggression} is not more than 0");
        }

        return window > TimeSpan.Zero ? new SlowStart(window, aggression, config.MinWeightPercent?.Value ?? 10) : null;
    }
}
