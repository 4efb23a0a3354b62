using Google.Protobuf.WellKnownTypes;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>Durations as the configuration gives them.</summary>
internal static class Durations
{
    /// <exception cref="ResourceException">It is negative or out of range.</exception>
    public static TimeSpan ToTime(this Duration? duration, TimeSpan absent, TranslationScope scope, string field)
    {
        if (duration is null)
        {
            return absent;
        }

        // The range that protobuf gives a duration; what is inside fits a TimeSpan.
        return duration is { Seconds: >= 0 and <= Duration.MaxSeconds, Nanos: >= 0 and < Duration.NanosecondsPerSecond }
            ? duration.ToTimeSpan()
            : throw scope.Invalid(field, $"a duration of {duration.Seconds} s and {duration.Nanos} ns is not valid");
    }
}
