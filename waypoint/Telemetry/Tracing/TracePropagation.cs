using System.Buffers;
using System.Diagnostics;

namespace Waypoint.Proxy.Telemetry.Tracing;

/// <summary>
/// Reads a request's trace from its headers and writes this proxy's span into them: W3C Trace Context always; B3, in one header or in several,
/// where the caller speaks it.
/// </summary>
internal static class TracePropagation
{
    // Trace Context knows no capitals.
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    private const string TraceParent = "traceparent";
    private const string TraceState = "tracestate";
    private const string B3 = "b3";
    private const string B3TraceId = "x-b3-traceid";
    private const string B3SpanId = "x-b3-spanid";
    private const string B3ParentSpanId = "x-b3-parentspanid";
    private const string B3Sampled = "x-b3-sampled";
    private const string B3Flags = "x-b3-flags";

    /// <summary>The caller's place in its trace, with its decision about sampling; null when it names none that can be read.</summary>
    public static (ActivityTraceId TraceId, ActivitySpanId SpanId, bool? IsSampled)? Extract(IHeaderDictionary headers)
    {
        if (headers[TraceParent] is [{ } parent] && ParseW3C(parent) is { } w3c)
        {
            return w3c;
        }

        if (headers[B3] is [{ } single] && ParseB3(single.Split('-')) is { } b3)
        {
            return b3;
        }

        return headers[B3TraceId] is [{ } trace] && headers[B3SpanId] is [{ } span]
            ? ParseIds(trace, span, headers[B3Flags] is ["1"] ? true : ParseSampled(headers[B3Sampled].ToString()))
            : null;
    }

    /// <summary>A decision that comes without a trace (B3 allows that); null when there is none.</summary>
    public static bool? Decision(IHeaderDictionary headers) => ParseSampled(headers[B3].ToString()) ?? ParseSampled(headers[B3Sampled].ToString());

    public static void Inject(IHeaderDictionary headers, RequestTrace trace)
    {
        var traceId = trace.TraceId.ToHexString();
        var spanId = trace.SpanId.ToHexString();
        headers[TraceParent] = $"00-{traceId}-{spanId}-{(trace.IsSampled ? "01" : "00")}";
        if (trace.State is null)
        {
            // Without a parent that could be read its state means nothing.
            headers.Remove(TraceState);
        }

        if (headers.ContainsKey(B3))
        {
            headers[B3] = trace.Parent == default
                ? $"{traceId}-{spanId}-{(trace.IsSampled ? '1' : '0')}"
                : $"{traceId}-{spanId}-{(trace.IsSampled ? '1' : '0')}-{trace.Parent.ToHexString()}";
        }

        if (headers.ContainsKey(B3TraceId) || headers.ContainsKey(B3Sampled))
        {
            headers[B3TraceId] = traceId;
            headers[B3SpanId] = spanId;
            headers[B3Sampled] = trace.IsSampled ? "1" : "0";
            if (trace.Parent != default)
            {
                headers[B3ParentSpanId] = trace.Parent.ToHexString();
            }
        }
    }

    /// <summary>The place of this request: below its caller's span, or at the beginning of a trace of its own.</summary>
    public static RequestTrace Start(IHeaderDictionary headers, TracingSettings settings)
    {
        if (Extract(headers) is { } parent)
        {
            var state = headers[TraceState] is { Count: > 0 } states ? states.ToString() : null;
            return new RequestTrace(parent.TraceId, ActivitySpanId.CreateRandom(), parent.SpanId, parent.IsSampled ?? settings.Draw(), state);
        }

        return new RequestTrace(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), default, Decision(headers) ?? settings.Draw(), null);
    }

    // W3C Trace Context, section 3.2: two digits of version, then fields of fixed length; a later version may have more behind them.
    private static (ActivityTraceId, ActivitySpanId, bool?)? ParseW3C(string header)
    {
        if (header.Length < 55 || header[2] != '-' || header[35] != '-' || header[52] != '-' || header.StartsWith("ff", StringComparison.Ordinal)
            || !IsHex(header.AsSpan(0, 2)) || !IsHex(header.AsSpan(53, 2))
            || (header.Length > 55 && (header.StartsWith("00", StringComparison.Ordinal) || header[55] != '-')))
        {
            return null;
        }

        return ParseIds(header[3..35], header[36..52], (Convert.ToByte(header[53..55], 16) & 1) != 0);
    }

    private static (ActivityTraceId, ActivitySpanId, bool?)? ParseB3(string[] parts) => parts.Length is >= 2 and <= 4
        ? ParseIds(parts[0], parts[1], parts.Length > 2 ? ParseSampled(parts[2]) : null)
        : null;

    private static (ActivityTraceId, ActivitySpanId, bool?)? ParseIds(string trace, string span, bool? sampled)
    {
        // B3 has short ids too: the lower half.
        trace = trace.Length == 16 ? trace.PadLeft(32, '0') : trace;
        return trace.Length == 32 && span.Length == 16 && IsHex(trace) && IsHex(span) && trace.AsSpan().ContainsAnyExcept('0') && span.AsSpan().ContainsAnyExcept('0')
            ? (ActivityTraceId.CreateFromString(trace), ActivitySpanId.CreateFromString(span), sampled)
            : null;
    }

    private static bool? ParseSampled(string text) => text switch
    {
        "1" or "d" or "true" => true,
        "0" or "false" => false,
        _ => null,
    };

    private static bool IsHex(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(HexDigits);
}
