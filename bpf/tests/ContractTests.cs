using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Waypoint.NodeAgent.Engine;

namespace Waypoint.Bpf.Tests;

/// <summary>contract.h, as the compiler understood it, against its mirror in C#.</summary>
public sealed class ContractTests
{
    private const int Check = 4;

    private static readonly Lazy<JsonElement[]> Btf = new(ReadBtf);

    public static TheoryData<Type, string, int> Structs => new()
    {
        { typeof(KernelSettings), "settings", 0 },
        { typeof(FrontendKey), "frontend_key", 0 },
        { typeof(SlotKey), "slot_key", 0 },
        { typeof(ConnectionEvent), "event", 0 },
        { typeof(Pod), "pod", Check },
        { typeof(Frontend), "frontend", Check },
        { typeof(Service), "service", Check },
        { typeof(Slot), "slot", Check },
        { typeof(Backend), "backend", Check },
    };

    public static TheoryData<Type, string, string> Enums => new()
    {
        { typeof(Counter), "counter", "COUNTER_" },
        { typeof(SettingFlags), "setting_flags", "SETTING_" },
        { typeof(PodFlags), "pod_flags", "POD_" },
        { typeof(ServiceFlags), "service_flags", "SERVICE_" },
        { typeof(ConnectionEventKind), "event_kind", "EVENT_" },
    };

    [Theory]
    [MemberData(nameof(Structs))]
    public void A_mirrored_struct_has_the_fields_offsets_and_size_of_the_kernels(Type mirror, string name, int check)
    {
        var kernel = Btf.Value.Single(type => Is(type, "STRUCT", name));
        var expected = kernel.GetProperty("members").EnumerateArray()
            .Select(member => (member.GetProperty("name").GetString()!, Offset: member.GetProperty("bits_offset").GetInt32() / 8))
            .Where(member => check == 0 || member.Item1 != "check");

        var actual = mirror.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public)
            .Select(field => (SnakeCase(PropertyName(field)), Offset: check + (int)Marshal.OffsetOf(mirror, field.Name)))
            .OrderBy(field => field.Offset);

        Assert.Equal(expected, actual);
        Assert.Equal(kernel.GetProperty("size").GetInt32(), check + Marshal.SizeOf(mirror));
    }

    [Theory]
    [MemberData(nameof(Enums))]
    public void A_mirrored_enum_has_the_names_and_values_of_the_kernels(Type mirror, string name, string prefix)
    {
        var expected = Btf.Value.Single(type => Is(type, "ENUM", name)).GetProperty("values").EnumerateArray()
            .Select(value => (value.GetProperty("name").GetString()![prefix.Length..].Replace("_", "", StringComparison.Ordinal), value.GetProperty("val").GetInt64()));

        var actual = Enum.GetNames(mirror)
            .Where(value => value != "None")
            .Select(value => (value.ToUpperInvariant(), Convert.ToInt64(Enum.Parse(mirror, value), System.Globalization.CultureInfo.InvariantCulture)));

        Assert.Equal(expected, actual);
    }

    [Fact]
    public void The_object_has_the_contracts_maps_and_no_hidden_data()
    {
        // A .rodata map would hold constants that a program's tag does not cover: an upgrade could pass unnoticed.
        var maps = Btf.Value.Where(type => type.GetProperty("kind").GetString() == "DATASEC")
            .ToDictionary(section => section.GetProperty("name").GetString()!, section => section.GetProperty("vars").GetArrayLength());

        Assert.Equal(["license", ".maps"], maps.Keys.OrderDescending());
        Assert.Equal(11, maps[".maps"]);
    }

    private static bool Is(JsonElement type, string kind, string name) =>
        type.GetProperty("kind").GetString() == kind && type.GetProperty("name").GetString() == name;

    private static string PropertyName(FieldInfo field) => field.Name.StartsWith('<') ? field.Name[1..field.Name.IndexOf('>')] : field.Name;

    private static string SnakeCase(string name)
    {
        var snake = new StringBuilder();
        foreach (var character in name)
        {
            if (char.IsUpper(character) && snake.Length > 0)
            {
                snake.Append('_');
            }

            snake.Append(char.ToLowerInvariant(character));
        }

        return snake.ToString();
    }

    private static JsonElement[] ReadBtf()
    {
        using var process = Process.Start(new ProcessStartInfo("bpftool", ["-j", "btf", "dump", "file", Path.Combine(Repository.Bpf, "build", "waypoint.bpf.o")])
        {
            RedirectStandardOutput = true,
        })!;
        using var document = JsonDocument.Parse(process.StandardOutput.BaseStream);
        return [.. document.RootElement.GetProperty("types").EnumerateArray().Select(type => type.Clone())];
    }
}
