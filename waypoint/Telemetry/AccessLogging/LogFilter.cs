using System.Collections.Frozen;
using System.Collections.Immutable;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Telemetry.Expressions;
using Waypoint.Proxy.Telemetry.Formatting;

namespace Waypoint.Proxy.Telemetry.AccessLogging;

/// <summary>Decides whether a request or connection gets a line (envoy.config.accesslog.v3.AccessLogFilter). Immutable.</summary>
internal abstract class LogFilter
{
    public abstract bool Allows(StreamInfo stream);
}

internal sealed class AllOf(ImmutableArray<LogFilter> filters) : LogFilter
{
    public override bool Allows(StreamInfo stream)
    {
        foreach (var filter in filters)
        {
            if (!filter.Allows(stream))
            {
                return false;
            }
        }

        return true;
    }
}

internal sealed class AnyOf(ImmutableArray<LogFilter> filters) : LogFilter
{
    public override bool Allows(StreamInfo stream)
    {
        foreach (var filter in filters)
        {
            if (filter.Allows(stream))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>Lets all pass: for what a waypoint has not, such as health checks of its own.</summary>
internal sealed class Always : LogFilter
{
    public static Always Instance { get; } = new();

    public override bool Allows(StreamInfo stream) => true;
}

internal enum ComparisonOperator
{
    Equal,
    AtLeast,
    AtMost,
}

/// <summary>The status, or the duration in milliseconds, compared with a number.</summary>
internal sealed class ComparisonFilter(Func<StreamInfo, long> read, ComparisonOperator comparison, uint value) : LogFilter
{
    public override bool Allows(StreamInfo stream) => comparison switch
    {
        ComparisonOperator.Equal => read(stream) == value,
        ComparisonOperator.AtLeast => read(stream) >= value,
        _ => read(stream) <= value,
    };
}

/// <summary>A share of all; which ones is chance.</summary>
internal sealed class ShareFilter(double share) : LogFilter
{
    public override bool Allows(StreamInfo stream) => share >= 1 || Random.Shared.NextDouble() < share;
}

internal sealed class HeaderFilter(HeaderMatch match) : LogFilter
{
    public override bool Allows(StreamInfo stream) =>
        stream.Exchange is { } exchange && match.Matches(RequestHead.From(exchange.Context, exchange.Chain?.PathForm ?? PathForm.AsReceived));
}

/// <summary>Any of these flags; with <see cref="ResponseFlags.None"/> any flag at all.</summary>
internal sealed class FlagFilter(ResponseFlags flags, bool any) : LogFilter
{
    public override bool Allows(StreamInfo stream) => any ? stream.Flags != ResponseFlags.None : (stream.Flags & flags) != 0;
}

internal sealed class GrpcStatusFilter(FrozenSet<long> statuses, bool exclude) : LogFilter
{
    // Envoy: what is not gRPC has the status that its HTTP status stands for.
    public override bool Allows(StreamInfo stream) =>
        statuses.Contains(GrpcStatusOperators.NumberOf(stream) ?? (long)Forwarding.Grpc.FromHttpStatus(stream.Status)) != exclude;
}

/// <summary>An expression that must be true; one without a value is not.</summary>
internal sealed class ExpressionFilter(CelExpression expression) : LogFilter
{
    public override bool Allows(StreamInfo stream) => expression.Evaluate(stream).IsTrue;
}
