namespace Waypoint.GatewayApi.Translation;

/// <summary>How often each thing was translated since the start: what shows that a change costs what it touches.</summary>
internal sealed class TranslationCounts
{
    public long Chains { get; set; }

    public long Clusters { get; set; }

    public long Endpoints { get; set; }

    public long Services { get; set; }

    public long Workloads { get; set; }

    public long Routes { get; set; }

    public long Listeners { get; set; }

    public TranslationCounts Copy() => (TranslationCounts)MemberwiseClone();
}
