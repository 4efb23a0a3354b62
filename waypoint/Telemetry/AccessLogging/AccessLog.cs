using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Tcp;
using Waypoint.Proxy.Telemetry.Formatting;

namespace Waypoint.Proxy.Telemetry.AccessLogging;

/// <summary>Where lines for standard output go, and whether they are written for chains that do not ask for them.</summary>
/// <param name="Output">Gets the lines.</param>
/// <param name="Always">A line for every request and connection, whatever the configuration says.</param>
internal sealed record AccessLogSettings(Stream Output, bool Always)
{
    /// <summary>The variable that switches the log on for all: <c>stdout</c> or <c>/dev/stdout</c>.</summary>
    public const string Variable = "WAYPOINT_ACCESS_LOG";

    public static AccessLogSettings FromEnvironment() => new(
        Console.OpenStandardOutput(),
        Environment.GetEnvironmentVariable(Variable) is "stdout" or AccessLogger.StandardOutput);
}

/// <summary>Writes the lines that chains ask for: one for each request, and one for each connection of bytes at its end.</summary>
internal sealed partial class AccessLog : IAsyncDisposable
{
    public const string MeterName = "Waypoint.AccessLog";

    private static readonly AccessLogger Unasked = new(AccessLogger.StandardOutput, LineFormat.IstioDefault, null);

    private readonly ConcurrentDictionary<string, Lazy<LogOutput>> _outputs = new(StringComparer.Ordinal);
    private readonly AccessLogSettings _settings;
    private readonly ILogger _logger;
    private readonly Meter _meter = new(MeterName);

    public AccessLog(AccessLogSettings settings, ILogger<AccessLog> logger)
    {
        _settings = settings;
        _logger = logger;
        _meter.CreateObservableCounter(
            "waypoint_access_log_dropped_lines_total",
            () => _outputs.Select(o => new Measurement<long>(o.Value.Value.Dropped, KeyValuePair.Create("path", (object?)o.Key))),
            description: "Access-log lines lost because their file was too slow or could not be opened.");
    }

    public void Completed(Exchange exchange) => Write(exchange.Chain?.AccessLogs ?? [], new StreamInfo(exchange));

    public void Completed(TcpConnection connection) => Write(connection.Chain.AccessLogs, new StreamInfo(connection));

    /// <summary>Writes what is queued, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _meter.Dispose();
        foreach (var output in _outputs.Values)
        {
            await output.Value.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void Write(ImmutableArray<AccessLogger> loggers, StreamInfo stream)
    {
        if (loggers.IsEmpty && _settings.Always)
        {
            Write(Unasked, stream);
            return;
        }

        foreach (var logger in loggers)
        {
            if (logger.Filter?.Allows(stream) ?? true)
            {
                Write(logger, stream);
            }
        }
    }

    private void Write(AccessLogger logger, StreamInfo stream)
    {
        var line = LineBuffer.Shared;
        logger.Format.Write(stream, line);
        _outputs.GetOrAdd(logger.Path, static (path, log) => new Lazy<LogOutput>(() => log.Open(path)), this).Value.Write(line.Written);
    }

    private LogOutput Open(string path)
    {
        try
        {
            return new LogOutput(path switch
            {
                AccessLogger.StandardOutput => _settings.Output,
                AccessLogger.StandardError => Console.OpenStandardError(),
                _ => new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0),
            });
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            LogCannotOpen(path, exception.Message);
            return new LogOutput(null);
        }
    }

    [LoggerMessage(40, LogLevel.Error, "The access log {Path} cannot be opened, its lines are dropped: {Reason}")]
    private partial void LogCannotOpen(string path, string reason);
}
