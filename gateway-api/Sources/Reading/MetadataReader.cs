using System.Collections.Immutable;
using System.Globalization;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Validation;

namespace Waypoint.GatewayApi.Sources.Reading;

internal static class MetadataReader
{
    private static readonly ObjectMetadata Nameless = new(
        "", "", ImmutableSortedDictionary<string, string>.Empty, ImmutableSortedDictionary<string, string>.Empty, null, 0, false, []);

    /// <summary>Reads <c>metadata</c>; a namespaced object without a namespace is in <c>default</c>, as kubectl would have it.</summary>
    public static ObjectMetadata Read(FieldReader root, string kind, bool namespaced, TextRule nameRule)
    {
        if (root.RequiredChild("metadata") is not { } fields)
        {
            return Nameless;
        }

        string name = fields.RequiredText("name", nameRule);
        string space = namespaced ? fields.Text("namespace", TextRules.Label) ?? "default" : "";
        root.Context.Object = namespaced ? $"{kind} {space}/{name}" : $"{kind} {name}";

        ObjectMetadata metadata = new(
            space,
            name,
            fields.TextMap("labels"),
            fields.TextMap("annotations"),
            ReadTime(fields, "creationTimestamp"),
            fields.Integer("generation") ?? 0,
            fields.Has("deletionTimestamp"),
            fields.Children("ownerReferences", int.MaxValue, ReadOwner));
        fields.Ignore(
            "uid", "resourceVersion", "managedFields", "finalizers", "generateName", "selfLink", "deletionGracePeriodSeconds", "namespace");
        fields.Finish();
        return metadata;
    }

    private static DateTimeOffset? ReadTime(FieldReader fields, string key)
    {
        string? text = fields.Text(key);
        if (text is null)
        {
            return null;
        }

        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time))
        {
            return time;
        }

        fields.Error(key, $"\"{text}\" is not an RFC 3339 time");
        return null;
    }

    private static OwnerReference ReadOwner(FieldReader owner) => new(
        owner.RequiredText("kind"), owner.RequiredText("name"), owner.Boolean("controller") ?? false);
}
