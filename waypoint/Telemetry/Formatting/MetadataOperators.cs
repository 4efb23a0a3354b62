namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary><c>%DYNAMIC_METADATA(NAMESPACE:KEY:…)%</c>: what filters told of the request.</summary>
internal static class MetadataOperators
{
    public static FieldOperator Dynamic(Command command)
    {
        var path = (command.Argument ?? "").Split(':');
        if (path[0].Length == 0)
        {
            throw OperatorCatalogue.Invalid(command, "a namespace is needed");
        }

        var keys = path[1..];
        return new NodeOperator(s => s.Metadata.Find(path[0], keys));
    }
}
