using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Waypoint.NodeAgent.Kubernetes;

/// <summary>Reads the current context of a kubeconfig file: tokens and certificates, in the file or beside it; no plug-ins.</summary>
internal static class Kubeconfig
{
    /// <exception cref="KubernetesException">The file cannot be read, or names something that is not there or not supported.</exception>
    public static KubernetesConfiguration Load(string path)
    {
        try
        {
            var stream = new YamlStream();
            using (StreamReader reader = File.OpenText(path))
            {
                stream.Load(reader);
            }

            var root = new Entry(path, stream.Documents[0].RootNode);
            string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
            Entry context = root.Named("contexts", root.Require("current-context")).Section("context");
            Entry cluster = root.Named("clusters", context.Require("cluster")).Section("cluster");
            Entry user = root.Named("users", context.Require("user")).Section("user");
            if (user.Has("exec") || user.Has("auth-provider"))
            {
                throw new KubernetesException($"{path}: a user with \"exec\" or \"auth-provider\" is not supported: give a token or a certificate");
            }

            string? tokenFile = user.File("tokenFile", folder);
            string? token = user.Find("token");
            return new KubernetesConfiguration
            {
                Server = new Uri(cluster.Require("server")),
                Roots = cluster.Find("certificate-authority-data") is { } data ? () => Parse(data)
                    : cluster.File("certificate-authority", folder) is { } file ? () => KubernetesConfiguration.ReadRoots(file)
                    : null,
                Token = tokenFile is not null ? () => File.ReadAllText(tokenFile).Trim() : token is not null ? () => token : null,
                ClientCertificate = Certificate(user, folder),
            };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or YamlException or UriFormatException
            or FormatException or CryptographicException or ArgumentException)
        {
            throw new KubernetesException($"{path}: {exception.Message}");
        }
    }

    private static X509Certificate2Collection Parse(string base64)
    {
        var roots = new X509Certificate2Collection();
        roots.ImportFromPem(Decode(base64));
        return roots;
    }

    private static X509Certificate2? Certificate(Entry user, string folder) =>
        user.Find("client-certificate-data") is { } data ? X509Certificate2.CreateFromPem(Decode(data), Decode(user.Require("client-key-data")))
        : user.File("client-certificate", folder) is { } file ? X509Certificate2.CreateFromPemFile(file, user.File("client-key", folder))
        : null;

    private static string Decode(string base64) => Encoding.UTF8.GetString(Convert.FromBase64String(base64));

    /// <summary>A mapping of the file, and how to name it in an error.</summary>
    private readonly record struct Entry(string Name, YamlNode Node)
    {
        public bool Has(string key) => Child(key) is not null;

        public string? Find(string key) => Child(key) is YamlScalarNode { Value.Length: > 0 } scalar ? scalar.Value : null;

        public string Require(string key) => Find(key) ?? throw new KubernetesException($"{Name}: \"{key}\" is missing");

        public Entry Section(string key) =>
            new($"{Name}: {key}", Child(key) ?? throw new KubernetesException($"{Name}: \"{key}\" is missing"));

        /// <summary>A path; a relative one is relative to the file's folder.</summary>
        public string? File(string key, string folder) => Find(key) is { } path ? Path.Combine(folder, path) : null;

        /// <summary>The entry of a list of <c>{name: …}</c>.</summary>
        public Entry Named(string list, string name)
        {
            var entries = Child(list) as YamlSequenceNode;
            foreach (YamlNode node in entries?.Children ?? [])
            {
                if (new Entry($"{Name}: {list} \"{name}\"", node) is var entry && entry.Find("name") == name)
                {
                    return entry;
                }
            }

            throw new KubernetesException($"{Name}: {list} has none of the name \"{name}\"");
        }

        private YamlNode? Child(string key) =>
            Node is YamlMappingNode mapping && mapping.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? child) ? child : null;
    }
}
