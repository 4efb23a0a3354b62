namespace Waypoint.Proxy.Hosting;

/// <summary>
/// The command line: <c>proxy waypoint</c> and the flags of Istio's pilot-agent. Flags that mean nothing here are let pass, as istiod
/// writes the command line and will write new ones.
/// </summary>
internal sealed record WaypointArguments
{
    /// <summary>The DNS domain of the pod's namespace.</summary>
    public string? Domain { get; init; }

    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    public bool LogAsJson { get; init; }

    public static WaypointArguments Parse(IReadOnlyList<string> arguments)
    {
        var parsed = new WaypointArguments();
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            var equals = argument.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? argument : argument[..equals];
            string? Value() => equals >= 0 ? argument[(equals + 1)..] : i + 1 < arguments.Count ? arguments[++i] : null;
            parsed = name switch
            {
                "--domain" => parsed with { Domain = Value() },
                "--log_output_level" => parsed with { LogLevel = ParseLevel(Value()) },
                "--log_as_json" => parsed with { LogAsJson = true },
                _ => parsed,
            };
        }

        return parsed;
    }

    /// <summary>Istio's form is <c>scope:level,scope:level</c>; the scope "default" is ours.</summary>
    private static LogLevel ParseLevel(string? value)
    {
        foreach (var part in (value ?? "").Split(','))
        {
            var colon = part.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0 || part[..colon] == "default")
            {
                return part[(colon + 1)..] switch
                {
                    "debug" => LogLevel.Debug,
                    "warn" or "warning" => LogLevel.Warning,
                    "error" => LogLevel.Error,
                    "fatal" => LogLevel.Critical,
                    "none" => LogLevel.None,
                    _ => LogLevel.Information,
                };
            }
        }

        return LogLevel.Information;
    }
}
