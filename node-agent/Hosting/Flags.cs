namespace Waypoint.NodeAgent.Hosting;

/// <summary>A command line that is wrong. The message names the flag, and its value if it has one.</summary>
internal sealed class BadFlagException(string message) : Exception(message);

/// <summary>A command line of <c>--flag value</c>, <c>--flag=value</c> and <c>--switch</c>.</summary>
internal sealed class Flags
{
    private readonly Dictionary<string, string> _values = [];

    /// <exception cref="BadFlagException">A flag is unknown, is given twice or lacks its value.</exception>
    public Flags(ReadOnlySpan<string> arguments, string[] values, string[] switches)
    {
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

    /// <exception cref="BadFlagException">It is missing, or its value is bad.</exception>
    public T Require<T>(string flag, Func<string, T> parse) =>
        _values.TryGetValue(flag, out string? value) && value.Length > 0
            ? Parse(flag, value, parse)
            : throw new BadFlagException($"{flag}: missing");

    /// <exception cref="BadFlagException">Its value is bad.</exception>
    public T Get<T>(string flag, Func<string, T> parse, T otherwise) =>
        _values.TryGetValue(flag, out string? value) ? Parse(flag, value, parse) : otherwise;

    private static T Parse<T>(string flag, string value, Func<string, T> parse)
    {
        try
        {
            return parse(value);
        }
        catch (FormatException exception)
        {
            throw new BadFlagException($"{flag}: '{value}' {exception.Message}");
        }
    }
}
