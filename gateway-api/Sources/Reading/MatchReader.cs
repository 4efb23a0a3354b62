using System.Collections.Immutable;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Validation;

namespace Waypoint.GatewayApi.Sources.Reading;

internal static class MatchReader
{
    private const int MaximumValues = 16;

    private static readonly (string, bool)[] ValueTypes = [("Exact", false), ("RegularExpression", true)];

    public static RouteMatch ReadHttp(FieldReader match)
    {
        RouteMatch read = new(
            match.Child("path") is { } path ? ReadPath(path) : PathMatch.Any,
            null,
            match.Word("method", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"),
            ReadValues(match, "headers", TextRules.HeaderValue),
            ReadValues(match, "queryParams", TextRules.QueryValue));
        match.Finish();
        return read;
    }

    public static RouteMatch ReadGrpc(FieldReader match)
    {
        GrpcMethodMatch? method = null;
        if (match.Child("method") is { } fields)
        {
            method = new GrpcMethodMatch(
                fields.Text("service", TextRules.PathValue) is { Length: > 0 } service ? service : null,
                fields.Text("method", TextRules.PathValue) is { Length: > 0 } name ? name : null,
                fields.Choice<bool>("type", ValueTypes) ?? false);
            MatchChecks.CheckGrpcMethod(fields, method);
            fields.Finish();
        }

        RouteMatch read = new(PathMatch.Any, method, null, ReadValues(match, "headers", TextRules.HeaderValue), []);
        match.Finish();
        return read;
    }

    private static PathMatch ReadPath(FieldReader path)
    {
        PathMatch read = new(
            path.Choice(
                "type", ("PathPrefix", PathMatchType.Prefix), ("Exact", PathMatchType.Exact), ("RegularExpression", PathMatchType.RegularExpression))
                ?? PathMatchType.Prefix,
            path.Text("value", TextRules.PathValue) ?? "/");
        MatchChecks.CheckPath(path, read);
        path.Finish();
        return read;
    }

    private static ImmutableArray<ValueMatch> ReadValues(FieldReader match, string key, TextRule valueRule)
    {
        ImmutableArray<ValueMatch> values = match.Children(key, MaximumValues, value =>
        {
            ValueMatch read = new(
                value.RequiredText("name", TextRules.HeaderName),
                value.RequiredText("value", valueRule),
                value.Choice<bool>("type", ValueTypes) ?? false);
            if (read.Regex)
            {
                MatchChecks.CheckRegex(value, "value", read.Value);
            }

            value.Finish();
            return read;
        });

        // The API merges these lists by name, so a name twice is refused. Header names compare without case.
        StringComparer names = key == "headers" ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;
        foreach (IGrouping<string, ValueMatch> same in values.GroupBy(value => value.Name, names).Where(group => group.Count() > 1))
        {
            match.Error(key, $"\"{same.Key}\" is given twice");
        }

        return values;
    }
}
