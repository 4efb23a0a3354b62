using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Sources.Yaml;
using Waypoint.GatewayApi.Validation;

namespace Waypoint.GatewayApi.Sources.Reading;

/// <summary>Turns a document into an object of the model, or says why it cannot.</summary>
internal static class ObjectReader
{
    private delegate KubernetesObject ReadKind(FieldReader root, ObjectHeader header);

    private sealed record KindReader(string Group, string[] Versions, string Kind, bool Namespaced, TextRule NameRule, ReadKind Read);

    private static readonly KindReader[] Readers =
    [
        new("", ["v1"], "Namespace", false, TextRules.Label, CoreReader.ReadNamespace),
        new("", ["v1"], "Node", false, TextRules.Subdomain, CoreReader.ReadNode),
        new("", ["v1"], "Service", true, TextRules.ServiceName, ServiceReader.Read),
        new("", ["v1"], "Pod", true, TextRules.Subdomain, PodReader.Read),
        new("discovery.k8s.io", ["v1"], "EndpointSlice", true, TextRules.Subdomain, EndpointSliceReader.Read),
        new(WellKnown.GatewayGroup, ["v1", "v1beta1"], "GatewayClass", false, TextRules.Subdomain, GatewayReader.ReadClass),
        new(WellKnown.GatewayGroup, ["v1", "v1beta1"], "Gateway", true, TextRules.Subdomain, GatewayReader.Read),
        new(WellKnown.GatewayGroup, ["v1", "v1beta1"], "HTTPRoute", true, TextRules.Subdomain, RouteReader.ReadHttp),
        new(WellKnown.GatewayGroup, ["v1"], "GRPCRoute", true, TextRules.Subdomain, RouteReader.ReadGrpc),
        new(WellKnown.GatewayGroup, ["v1", "v1alpha2"], "TCPRoute", true, TextRules.Subdomain, RouteReader.ReadTcp),
        new(WellKnown.GatewayGroup, ["v1", "v1beta1"], "ReferenceGrant", true, TextRules.Subdomain, GatewayReader.ReadGrant),
    ];

    /// <summary>
    /// Reads every object below a document's root (a <c>List</c> holds several). An object with an error is left out; the
    /// errors are in <paramref name="diagnostics"/>.
    /// </summary>
    public static void Read(YamlNode root, string file, List<KubernetesObject> objects, ICollection<Diagnostic> diagnostics)
    {
        ReadContext context = new(file, diagnostics);
        if (root is not YamlMapping mapping)
        {
            context.Error(root.Line, "", $"a document must be an object, not a {root.TypeName}");
            return;
        }

        FieldReader fields = new(context, mapping, "");
        string apiVersion = fields.RequiredText("apiVersion");
        string kind = fields.RequiredText("kind");
        if (apiVersion.Length == 0 || kind.Length == 0)
        {
            return;
        }

        if (kind == "List" || (kind.EndsWith("List", StringComparison.Ordinal) && mapping["items"] is YamlSequence))
        {
            ReadList(mapping, context, file, objects, diagnostics);
            return;
        }

        context.Object = kind;
        if (FindReader(apiVersion, kind, context, mapping, file, diagnostics) is not { } reader)
        {
            return;
        }

        ObjectMetadata metadata = MetadataReader.Read(fields, kind, reader.Namespaced, reader.NameRule);
        KubernetesObject read = reader.Read(fields, new ObjectHeader(metadata, new SourceLocation(file, mapping.Line), ContentHash.Of(mapping)));
        fields.Ignore("status");
        fields.Finish();
        if (!context.Failed)
        {
            objects.Add(read);
        }
    }

    private static void ReadList(
        YamlMapping mapping,
        ReadContext context,
        string file,
        List<KubernetesObject> objects,
        ICollection<Diagnostic> diagnostics)
    {
        switch (mapping["items"])
        {
            case YamlSequence items:
                foreach (YamlNode item in items.Items)
                {
                    Read(item, file, objects, diagnostics);
                }

                break;
            case { } other:
                context.Error(other.Line, "items", $"must be a list, not a {other.TypeName}");
                break;
        }
    }

    private static KindReader? FindReader(
        string apiVersion,
        string kind,
        ReadContext context,
        YamlMapping mapping,
        string file,
        ICollection<Diagnostic> diagnostics)
    {
        int slash = apiVersion.IndexOf('/', StringComparison.Ordinal);
        string group = slash < 0 ? "" : apiVersion[..slash];
        string version = apiVersion[(slash + 1)..];
        foreach (KindReader reader in Readers)
        {
            if (reader.Kind != kind || reader.Group != group)
            {
                continue;
            }

            if (reader.Versions.Contains(version))
            {
                return reader;
            }

            context.Error(mapping.Line, "apiVersion", $"{kind} has no version {apiVersion}; known are {string.Join(", ", reader.Versions)}");
            return null;
        }

        diagnostics.Add(new Diagnostic(Severity.Notice, new SourceLocation(file, mapping.Line), kind, "", $"{apiVersion} {kind} is not used by the mesh; ignored"));
        return null;
    }
}
