namespace Waypoint.GatewayApi.Validation;

/// <summary>GEP-2257 durations: up to four numbers with the units h, m, s and ms.</summary>
internal static class GatewayDuration
{
    /// <summary>Parses a text that <see cref="TextRules.Duration"/> accepts; the numbers add up.</summary>
    public static TimeSpan Parse(string text)
    {
        TimeSpan total = TimeSpan.Zero;
        int number = 0;
        for (int index = 0; index < text.Length; index++)
        {
            char c = text[index];
            if (char.IsAsciiDigit(c))
            {
                number = (number * 10) + (c - '0');
                continue;
            }

            bool milliseconds = c == 'm' && index + 1 < text.Length && text[index + 1] == 's';
            total += c switch
            {
                'h' => TimeSpan.FromHours(number),
                'm' when milliseconds => TimeSpan.FromMilliseconds(number),
                'm' => TimeSpan.FromMinutes(number),
                _ => TimeSpan.FromSeconds(number),
            };
            index += milliseconds ? 1 : 0;
            number = 0;
        }

        return total;
    }
}
