using System.Diagnostics;
using Waypoint.Proxy.Forwarding;

namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary>The moments of a request between which durations are told.</summary>
internal enum TimePoint
{
    /// <summary>DS_RX_BEG.</summary>
    Started,

    /// <summary>DS_RX_END.</summary>
    RequestEnded,

    /// <summary>US_RX_BEG.</summary>
    ResponseStarted,

    /// <summary>DS_TX_END.</summary>
    Ended,
}

/// <summary><c>%COMMON_DURATION(START:END:ms|us|ns)%</c>.</summary>
internal static class DurationOperator
{
    public static FieldOperator Create(Command command)
    {
        var options = (command.Argument ?? "").Split(':');
        if (options.Length is < 2 or > 3)
        {
            throw OperatorCatalogue.Invalid(command, "START:END or START:END:PRECISION is needed");
        }

        var from = Point(command, options[0]);
        var to = Point(command, options[1]);
        var perSecond = (options.Length == 3 ? options[2] : "ms") switch
        {
            "ms" => 1_000L,
            "us" => 1_000_000L,
            "ns" => 1_000_000_000L,
            var other => throw OperatorCatalogue.Invalid(command, $"'{other}' is not a precision; there are ms, us and ns"),
        };
        return new NumberOperator(s => Between(s, from, to, perSecond));
    }

    public static long? Between(StreamInfo stream, TimePoint from, TimePoint to, long perSecond = 1_000)
    {
        var (start, end) = (At(stream, from), At(stream, to));
        return start == 0 || end == 0 || end < start ? null : (long)(Stopwatch.GetElapsedTime(start, end).TotalSeconds * perSecond);
    }

    private static long At(StreamInfo stream, TimePoint point) => stream.Exchange is not { } exchange
        ? 0
        : point switch
        {
            TimePoint.Started => exchange.StartedTimestamp,
            TimePoint.RequestEnded when exchange.RequestEndedTimestamp == 0 && !UpstreamRequest.HasBody(exchange.Context) => exchange.StartedTimestamp,
            TimePoint.RequestEnded => exchange.RequestEndedTimestamp,
            TimePoint.ResponseStarted => exchange.ResponseStartedTimestamp,
            _ => Stopwatch.GetTimestamp(),
        };

    private static TimePoint Point(Command command, string name) => name switch
    {
        "DS_RX_BEG" => TimePoint.Started,
        "DS_RX_END" => TimePoint.RequestEnded,
        "US_RX_BEG" => TimePoint.ResponseStarted,
        "DS_TX_END" => TimePoint.Ended,
        _ => throw OperatorCatalogue.Invalid(command, $"the moment '{name}' is not supported; there are DS_RX_BEG, DS_RX_END, US_RX_BEG and DS_TX_END"),
    };
}
