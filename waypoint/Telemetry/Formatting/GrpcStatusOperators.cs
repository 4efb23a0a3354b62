using System.Globalization;
using System.Text;
using Waypoint.Proxy.Forwarding;

namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary><c>%GRPC_STATUS(CAMEL_STRING|SNAKE_STRING|NUMBER)%</c>. Only requests by gRPC have one.</summary>
internal static class GrpcStatusOperators
{
    private static readonly string[] Names =
    [
        "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted",
        "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated",
    ];

    private static readonly string[] SnakeNames = [.. Names.Select(ToSnake)];

    public static FieldOperator Create(Command command) => command.Argument switch
    {
        null or "" or "CAMEL_STRING" => new TextOperator(static s => Name(s, Names)),
        "SNAKE_STRING" => new TextOperator(static s => Name(s, SnakeNames)),
        "NUMBER" => new NumberOperator(NumberOf),
        _ => throw OperatorCatalogue.Invalid(command, "CAMEL_STRING, SNAKE_STRING or NUMBER is needed"),
    };

    public static long? NumberOf(StreamInfo stream)
    {
        if (stream.Exchange is not { IsGrpc: true } exchange)
        {
            return null;
        }

        if (exchange.GrpcStatus is { } sent)
        {
            return int.TryParse(sent, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        }

        return (long)Forwarding.Grpc.FromHttpStatus(exchange.Status);
    }

    /// <summary>The number of a status by any of its spellings; null when there is none of that name.</summary>
    public static int? Parse(string name)
    {
        var index = Array.FindIndex(Names, n => n.Equals(name, StringComparison.OrdinalIgnoreCase));
        index = index >= 0 ? index : Array.IndexOf(SnakeNames, name);
        return index >= 0 ? index : null;
    }

    private static string? Name(StreamInfo stream, string[] names) => NumberOf(stream) switch
    {
        null => null,
        { } number when number < names.Length => names[number],
        { } number => number.ToString(CultureInfo.InvariantCulture),
    };

    private static string ToSnake(string name)
    {
        if (name is "OK" or "Canceled")
        {
            return name == "OK" ? name : "CANCELLED";
        }

        var snake = new StringBuilder();
        foreach (var letter in name)
        {
            if (char.IsUpper(letter) && snake.Length > 0)
            {
                snake.Append('_');
            }

            snake.Append(char.ToUpperInvariant(letter));
        }

        return snake.ToString();
    }
}
