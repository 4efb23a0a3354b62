namespace Waypoint.NodeAgent.Hosting;

/// <summary>A command line that is wrong. The message names the flag, and its value if it has one.</summary>
internal sealed class BadFlagException(string message) : Exception(message);

/// <summary>A command line of <c>--flag value</c>, <c>--flag=value</c> and <c>--switch</c>. What it does not say, an environment variable may.</summary>
internal sealed class Flags
{
    private readonly Dictionary<string, string> _values = [];
    private readonly Func<string, string?> _variable;

    /// <param name="variable">Reads an environment variable.</param>
    /// <exception cref="BadFlagException">A flag is unknown, is given twice or lacks its value.</exception>
    public Flags(ReadOnlySpan<string> arguments, string[] values, string[] switches, Func<string, string?> variable)
    {
        _variable = variable;
        for (int i = 0; i < arguments.Length; i++)
        {
            int equals = arguments[i].IndexOf('=', StringComparison.Ordinal);
            string flag = equals < 0 ? arguments[i] : arguments[i][..equals];
            string value;
            if (switches.Contains(flag) && equals < 0)
            {
                value = "";
            }
            else if (!values.Contains(flag))
            {
                throw new BadFlagException($"{arguments[i]}: unknown");
            }
            else if (equals >= 0)
            {
                value = arguments[i][(equals + 1)..];
            }
            else if (++i < arguments.Length)
            {
                value = arguments[i];
            }
            else
            {
                throw new BadFlagException($"{flag}: needs a value");
            }

            if (!_values.TryAdd(flag, value))
            {
                throw new BadFlagException($"{flag}: given twice");
            }
        }
    }

    public bool Has(string flag) => _values.ContainsKey(flag);

    /// <param name="variable">The environment variable that says it when the flag does not; an empty one says nothing.</param>
    /// <exception cref="BadFlagException">It is missing, or its value is bad.</exception>
    public T Require<T>(string flag, Func<string, T> parse, string? variable = null) =>
        Find(flag, variable) is { Value.Length: > 0 } found
            ? Parse(found, parse)
            : throw new BadFlagException($"{flag}: missing");

    /// <inheritdoc cref="Require{T}"/>
    /// <exception cref="BadFlagException">Its value is bad.</exception>
    public T Get<T>(string flag, Func<string, T> parse, T otherwise, string? variable = null) =>
        Find(flag, variable) is { } found ? Parse(found, parse) : otherwise;

    private (string Source, string Value)? Find(string flag, string? variable) =>
        _values.TryGetValue(flag, out string? value) ? (flag, value)
        : variable is not null && _variable(variable) is { Length: > 0 } fallback ? (variable, fallback)
        : null;

    private static T Parse<T>((string Source, string Value) found, Func<string, T> parse)
    {
        try
        {
            return parse(found.Value);
        }
        catch (FormatException exception)
        {
            throw new BadFlagException($"{found.Source}: '{found.Value}' {exception.Message}");
        }
    }
}
