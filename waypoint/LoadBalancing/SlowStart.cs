namespace Waypoint.Proxy.LoadBalancing;

/// <summary>An endpoint that is new gets its share little by little (Istio's <c>warmup</c>; Envoy's arithmetic).</summary>
/// <param name="Window">How long it is new.</param>
/// <param name="Aggression">1 grows evenly with time; more begins faster.</param>
/// <param name="MinimumPercent">Of its weight, however new it is.</param>
internal sealed record SlowStart(TimeSpan Window, double Aggression = 1, double MinimumPercent = 10)
{
    /// <summary>How often the weights of new endpoints are looked at again.</summary>
    public TimeSpan Step { get; } = TimeSpan.FromTicks(Math.Max(Window.Ticks / 100, TimeSpan.TicksPerMillisecond * 50));

    /// <summary>The share of its weight that an endpoint of this age gets.</summary>
    public double Factor(TimeSpan age)
    {
        if (age >= Window)
        {
            return 1;
        }

        var time = Math.Max(age.TotalSeconds, 1) / Window.TotalSeconds;
        return Math.Min(1, Math.Max(Math.Pow(time, 1 / Aggression), MinimumPercent / 100));
    }
}
