namespace Waypoint.TestBed.Traffic;

/// <summary>How far a fair weighted choice strays: five standard deviations, which chance exceeds once in two million runs.</summary>
public readonly record struct BinomialBounds(int Low, int High)
{
    private const double Deviations = 5;

    public static BinomialBounds Of(int trials, double share)
    {
        double mean = trials * share;
        double spread = Deviations * Math.Sqrt(trials * share * (1 - share));
        return new BinomialBounds((int)Math.Ceiling(mean - spread), (int)Math.Floor(mean + spread));
    }

    public bool Contains(int count) => count >= Low && count <= High;

    public override string ToString() => $"{Low}..{High}";
}
