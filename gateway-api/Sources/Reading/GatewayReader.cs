using System.Collections.Immutable;
using System.Net;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Validation;

namespace Waypoint.GatewayApi.Sources.Reading;

internal static class GatewayReader
{
    public static KubernetesObject ReadClass(FieldReader root, ObjectHeader header)
    {
        string controller = "";
        if (root.RequiredChild("spec") is { } spec)
        {
            controller = spec.RequiredText("controllerName");
            spec.Ignore("parametersRef", "description");
            spec.Finish();
        }

        return new GatewayClass(header, controller);
    }

    public static KubernetesObject Read(FieldReader root, ObjectHeader header)
    {
        Gateway gateway = new(header, "", [], []);
        if (root.RequiredChild("spec") is not { } spec)
        {
            return gateway;
        }

        gateway = gateway with
        {
            ClassName = spec.RequiredText("gatewayClassName", TextRules.AnyName),
            Listeners = spec.Children("listeners", 64, ReadListener),
            Addresses = ReadAddresses(spec),
        };
        CheckListeners(spec, gateway);
        if (gateway.Traffic is null)
        {
            root.Error("metadata", $"label {WellKnown.WaypointFor} \"{gateway.Metadata.Label(WellKnown.WaypointFor)}\" is none of service, workload, all, none");
        }

        spec.Ignore("infrastructure", "allowedListeners", "tls", "defaultScope");
        spec.Finish();
        if (root.Child("status") is { } status && gateway.Addresses.IsEmpty)
        {
            gateway = gateway with { Addresses = ReadAddresses(status) };
        }

        return gateway;
    }

    public static KubernetesObject ReadGrant(FieldReader root, ObjectHeader header)
    {
        if (root.RequiredChild("spec") is not { } spec)
        {
            return new ReferenceGrant(header, [], []);
        }

        ReferenceGrant grant = new(
            header,
            spec.Children("from", 16, from => new GrantFrom(
                from.RequiredText("group", TextRules.Group), from.RequiredText("kind", TextRules.Kind), from.RequiredText("namespace", TextRules.Label))),
            spec.Children("to", 16, to => new GrantTo(
                to.RequiredText("group", TextRules.Group), to.RequiredText("kind", TextRules.Kind), to.Text("name", TextRules.AnyName))));
        foreach ((string key, bool empty) in new[] { ("from", grant.From.IsEmpty), ("to", grant.To.IsEmpty) })
        {
            if (empty)
            {
                spec.Error(key, "needs at least one entry");
            }
        }

        spec.Finish();
        return grant;
    }

    private static GatewayListener ReadListener(FieldReader listener)
    {
        AllowedNamespaces from = AllowedNamespaces.Same;
        LabelSelector? selector = null;
        if (listener.Child("allowedRoutes") is { } allowed)
        {
            if (allowed.Child("namespaces") is { } namespaces)
            {
                from = namespaces.Choice(
                    "from", ("Same", AllowedNamespaces.Same), ("All", AllowedNamespaces.All), ("Selector", AllowedNamespaces.Selector)) ?? AllowedNamespaces.Same;
                selector = namespaces.Child("selector") is { } fields ? ReadSelector(fields) : null;
                namespaces.Finish();
            }

            allowed.Ignore("kinds");
            allowed.Finish();
        }

        GatewayListener read = new(
            listener.RequiredText("name", TextRules.Subdomain),
            listener.RequiredInteger("port", 1, 65535),
            listener.RequiredText("protocol", TextRules.AnyName),
            from,
            selector);
        listener.Ignore("hostname", "tls", "filters");
        listener.Finish();
        return read;
    }

    private static void CheckListeners(FieldReader spec, Gateway gateway)
    {
        if (gateway.Listeners.IsEmpty && !spec.Context.Failed)
        {
            spec.Error("listeners", "needs at least one entry");
        }

        foreach (IGrouping<string, GatewayListener> same in gateway.Listeners.GroupBy(listener => listener.Name).Where(group => group.Count() > 1))
        {
            spec.Error("listeners", $"the listener name \"{same.Key}\" is given twice");
        }
    }

    private static LabelSelector ReadSelector(FieldReader fields)
    {
        LabelSelector selector = new(
            fields.TextMap("matchLabels"),
            fields.Children("matchExpressions", int.MaxValue, expression => new SelectorExpression(
                expression.RequiredText("key"),
                expression.Choice(
                    "operator",
                    ("In", SelectorOperator.In),
                    ("NotIn", SelectorOperator.NotIn),
                    ("Exists", SelectorOperator.Exists),
                    ("DoesNotExist", SelectorOperator.DoesNotExist)) ?? SelectorOperator.Exists,
                expression.Texts("values"))));
        fields.Finish();
        return selector;
    }

    private static ImmutableArray<IPAddress> ReadAddresses(FieldReader fields)
    {
        ImmutableArray<IPAddress>.Builder addresses = ImmutableArray.CreateBuilder<IPAddress>();
        fields.Children("addresses", 16, address =>
        {
            string type = address.Text("type") ?? "IPAddress";
            string? value = address.Text("value");
            if (type == "IPAddress" && value is { Length: > 0 } && AddressReader.Parse(address, "value", value) is { } parsed)
            {
                addresses.Add(parsed);
            }

            address.Ignore("routability");
            address.Finish();
            return address;
        });
        return addresses.ToImmutable();
    }
}
