using System.Collections.Immutable;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Validation;

namespace Waypoint.GatewayApi.Sources.Reading;

/// <summary>Reads the filters of a rule or of a backend.</summary>
internal static class FilterReader
{
    private const int MaximumFilters = 16;
    private const int MaximumHeaders = 16;

    // The API's word for each filter, and the field that holds its settings.
    private static readonly (string Type, string Field)[] HttpTypes =
    [
        ("RequestHeaderModifier", "requestHeaderModifier"),
        ("ResponseHeaderModifier", "responseHeaderModifier"),
        ("RequestMirror", "requestMirror"),
        ("RequestRedirect", "requestRedirect"),
        ("URLRewrite", "urlRewrite"),
        ("CORS", "cors"),
        ("ExtensionRef", "extensionRef"),
        ("ExternalAuth", "externalAuth"),
    ];

    private static readonly (string Type, string Field)[] GrpcTypes =
    [
        HttpTypes[0], HttpTypes[1], HttpTypes[2], HttpTypes[6],
    ];

    public static ImmutableArray<RouteFilter> ReadAll(FieldReader owner, ObjectHeader header, ObjectKind route)
    {
        ImmutableArray<RouteFilter> filters = owner.Children("filters", MaximumFilters, filter => Read(filter, header, route));
        FilterChecks.CheckCombination(owner, filters);
        return filters;
    }

    private static RouteFilter? Read(FieldReader filter, ObjectHeader header, ObjectKind route)
    {
        (string Type, string Field)[] types = route == ObjectKind.GRPCRoute ? GrpcTypes : HttpTypes;
        string type = filter.RequiredText("type");
        string? field = types.FirstOrDefault(known => known.Type == type).Field;
        if (field is null)
        {
            if (type.Length > 0)
            {
                filter.Error("type", $"\"{type}\" is none of {string.Join(", ", types.Select(known => known.Type))}");
            }

            filter.Ignore([.. types.Select(known => known.Field)]);
            return null;
        }

        foreach ((string otherType, string other) in types)
        {
            if (other != field && filter.Has(other))
            {
                filter.Error(other, $"must not be given where type is {type}");
            }
        }

        RouteFilter? read = filter.RequiredChild(field) is { } settings ? ReadSettings(type, settings, header, route) : null;
        filter.Finish();
        return read;
    }

    private static RouteFilter ReadSettings(string type, FieldReader settings, ObjectHeader header, ObjectKind route)
    {
        switch (type)
        {
            case "RequestHeaderModifier":
            {
                (ImmutableArray<HeaderValue> set, ImmutableArray<HeaderValue> add, ImmutableArray<string> remove) = ReadHeaders(settings);
                return new RequestHeaderModifier(set, add, remove);
            }

            case "ResponseHeaderModifier":
            {
                (ImmutableArray<HeaderValue> set, ImmutableArray<HeaderValue> add, ImmutableArray<string> remove) = ReadHeaders(settings);
                return new ResponseHeaderModifier(set, add, remove);
            }

            case "RequestMirror":
                return ReadMirror(settings, header, route);
            case "RequestRedirect":
                return ReadRedirect(settings);
            case "URLRewrite":
                return ReadRewrite(settings);
            case "CORS":
                return ReadCors(settings);
            default:
                return new UnsupportedFilter(type);
        }
    }

    private static (ImmutableArray<HeaderValue> Set, ImmutableArray<HeaderValue> Add, ImmutableArray<string> Remove) ReadHeaders(FieldReader settings)
    {
        var headers = (ReadHeaderValues(settings, "set"), ReadHeaderValues(settings, "add"), settings.Texts("remove", MaximumHeaders, TextRules.HeaderName));
        settings.Finish();
        return headers;
    }

    private static ImmutableArray<HeaderValue> ReadHeaderValues(FieldReader settings, string key)
    {
        List<HeaderValue> values = [];
        settings.Children(key, MaximumHeaders, header =>
        {
            values.Add(new HeaderValue(
                header.RequiredText("name", TextRules.HeaderName), header.RequiredText("value", TextRules.HeaderValue)));
            header.Finish();
            return header;
        });
        foreach (IGrouping<string, HeaderValue> same in values.GroupBy(value => value.Name, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1))
        {
            settings.Error(key, $"\"{same.Key}\" is given twice");
        }

        return [.. values];
    }

    private static RequestMirror ReadMirror(FieldReader settings, ObjectHeader header, ObjectKind route)
    {
        BackendRef backend = settings.RequiredChild("backendRef") is { } reference
            ? RouteReader.ReadBackend(reference, header, route, false)
            : new BackendRef("", "Service", header.Metadata.Namespace, "", null, 1, [], settings.FieldOf("backendRef"));
        int? percent = settings.Integer("percent", 0, 100);
        int numerator = percent ?? 100;
        int denominator = 100;
        if (settings.Child("fraction") is { } fraction)
        {
            numerator = fraction.RequiredInteger("numerator", 0, int.MaxValue);
            denominator = fraction.Integer("denominator", 1) ?? 100;
            if (numerator > denominator)
            {
                fraction.Error("numerator", "must not be greater than the denominator");
            }

            if (percent is not null)
            {
                settings.Error("fraction", "must not be given together with percent");
            }

            fraction.Finish();
        }

        settings.Finish();
        return new RequestMirror(backend, numerator, denominator);
    }

    private static RequestRedirect ReadRedirect(FieldReader settings)
    {
        RequestRedirect redirect = new(
            settings.Word("scheme", "http", "https"),
            settings.Text("hostname", TextRules.PreciseHostname),
            ReadPathModifier(settings),
            settings.Integer("port", 1, 65535),
            settings.Integer("statusCode") ?? 302);
        if (redirect.StatusCode is not (301 or 302 or 303 or 307 or 308))
        {
            settings.Error("statusCode", $"{redirect.StatusCode} is none of 301, 302, 303, 307, 308");
        }

        settings.Finish();
        return redirect;
    }

    private static UrlRewrite ReadRewrite(FieldReader settings)
    {
        UrlRewrite rewrite = new(settings.Text("hostname", TextRules.PreciseHostname), ReadPathModifier(settings));
        settings.Finish();
        return rewrite;
    }

    private static PathModifier? ReadPathModifier(FieldReader settings)
    {
        if (settings.Child("path") is not { } path)
        {
            return null;
        }

        bool? prefix = path.Choice<bool>("type", ("ReplaceFullPath", false), ("ReplacePrefixMatch", true));
        if (!path.Has("type"))
        {
            path.Error("type", "is required");
        }

        string full = path.Text("replaceFullPath", TextRules.PathValue) ?? "";
        string replacement = path.Text("replacePrefixMatch", TextRules.PathValue) ?? "";
        if (prefix is { } known)
        {
            (string wanted, string other) = known ? ("replacePrefixMatch", "replaceFullPath") : ("replaceFullPath", "replacePrefixMatch");
            if (!path.Has(wanted))
            {
                path.Error(wanted, "is required for this type");
            }

            if (path.Has(other))
            {
                path.Error(other, "must not be given for this type");
            }
        }

        path.Finish();
        return new PathModifier(prefix ?? false, prefix is true ? replacement : full);
    }

    private static Cors ReadCors(FieldReader settings)
    {
        Cors cors = new(
            settings.Texts("allowOrigins", 64),
            settings.Texts("allowMethods", 9),
            settings.Texts("allowHeaders", 64, TextRules.HeaderName),
            settings.Texts("exposeHeaders", 64, TextRules.HeaderName),
            settings.Boolean("allowCredentials") ?? false,
            settings.Integer("maxAge", 1) ?? 5);
        settings.Finish();
        return cors;
    }
}
