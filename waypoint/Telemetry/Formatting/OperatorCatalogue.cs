using System.Collections.Frozen;
using System.Net;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.LoadBalancing;

namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary>Envoy's command operators: those with a value here, and the names of those without.</summary>
internal static class OperatorCatalogue
{
    private static readonly FrozenDictionary<string, Func<Command, FieldOperator>> Operators = new Dictionary<string, Func<Command, FieldOperator>>
    {
        ["START_TIME"] = command => new TimeOperator(command.Argument is { Length: > 0 } pattern ? TimePattern.Parse(pattern) : TimePattern.Default, static s => s.StartedAt),
        ["EMIT_TIME"] = command => new TimeOperator(command.Argument is { Length: > 0 } pattern ? TimePattern.Parse(pattern) : TimePattern.Default, static _ => DateTime.UtcNow),
        ["REQ"] = HeaderOperators.Request,
        ["RESP"] = HeaderOperators.Response,
        ["TRAILER"] = HeaderOperators.Trailer,
        ["PATH"] = HeaderOperators.Path,
        ["QUERY_PARAM"] = HeaderOperators.QueryParameter,
        ["QUERY_PARAMS"] = HeaderOperators.Query,
        ["PROTOCOL"] = Text(static s => s.Exchange?.Context.Request.Protocol),
        ["UPSTREAM_PROTOCOL"] = Text(UpstreamProtocolOf),
        ["RESPONSE_CODE"] = Number(static s => s.Status),
        ["RESPONSE_CODE_DETAILS"] = Text(static s => s.Exchange?.Details),
        ["RESPONSE_FLAGS"] = Text(static s => s.Flags.ToShortNames()),
        ["RESPONSE_FLAGS_LONG"] = Text(static s => s.Flags.ToLongNames()),
        ["CONNECTION_TERMINATION_DETAILS"] = Text(static s => s.Connection?.TerminationDetails),
        ["UPSTREAM_TRANSPORT_FAILURE_REASON"] = Text(static s => s.Exchange?.TransportFailure),
        ["BYTES_RECEIVED"] = Number(static s => s.BytesReceived),
        ["BYTES_SENT"] = Number(static s => s.BytesSent),
        ["DURATION"] = Number(static s => (long)s.Age.TotalMilliseconds),
        ["REQUEST_DURATION"] = Number(static s => DurationOperator.Between(s, TimePoint.Started, TimePoint.RequestEnded)),
        ["RESPONSE_DURATION"] = Number(static s => DurationOperator.Between(s, TimePoint.Started, TimePoint.ResponseStarted)),
        ["RESPONSE_TX_DURATION"] = Number(static s => DurationOperator.Between(s, TimePoint.ResponseStarted, TimePoint.Ended)),
        ["COMMON_DURATION"] = DurationOperator.Create,
        ["UPSTREAM_REQUEST_ATTEMPT_COUNT"] = Number(static s => s.Exchange?.Tries ?? 0),
        ["UPSTREAM_CLUSTER"] = Text(static s => s.Cluster?.ObservabilityName),
        ["UPSTREAM_CLUSTER_RAW"] = Text(static s => s.Cluster?.Name),
        ["REQUESTED_SERVER_NAME"] = Text(static s => s.Connection?.ServerName),
        ["ROUTE_NAME"] = Text(static s => s.Exchange?.Route?.Name),
        ["STREAM_ID"] = Wire(static s => s.RequestHeaders?[EnvoyHeaders.RequestId]),
        ["CONNECTION_ID"] = Number(static s => s.Exchange is { } exchange ? ConnectionNumber(exchange.Context.Connection.Id) : null),
        ["UNIQUE_ID"] = Text(static _ => Guid.NewGuid().ToString()),
        ["TRACE_ID"] = Text(static s => s.Exchange?.Trace?.TraceId.ToHexString()),
        ["SPAN_ID"] = Text(static s => s.Exchange?.Trace?.SpanId.ToHexString()),
        ["ACCESS_LOG_TYPE"] = Text(static s => s.Exchange is null ? "TcpConnectionEnd" : "DownstreamEnd"),
        ["DOWNSTREAM_PEER_URI_SAN"] = Text(static s => s.ClientPrincipal),
        ["DYNAMIC_METADATA"] = MetadataOperators.Dynamic,
        ["FILTER_STATE"] = FilterStateOperator.Create,
        ["GRPC_STATUS"] = GrpcStatusOperators.Create,
        ["GRPC_STATUS_NUMBER"] = Number(GrpcStatusOperators.NumberOf),
        ["HOSTNAME"] = Text(static _ => Environment.MachineName),
        ["ENVIRONMENT"] = EnvironmentVariable,
    }
    .Concat(Addresses("DOWNSTREAM_LOCAL", static s => s.Local))
    .Concat(Addresses("DOWNSTREAM_DIRECT_LOCAL", static s => s.Local))
    .Concat(Addresses("DOWNSTREAM_REMOTE", ForwardedClient.Address))
    .Concat(Addresses("DOWNSTREAM_DIRECT_REMOTE", static s => s.Client))
    .Concat(Addresses("UPSTREAM_LOCAL", static s => s.UpstreamLocal))
    .Concat(Addresses("UPSTREAM_REMOTE", static s => IsConnected(s) ? s.Endpoint?.Address : null))
    .Append(new("UPSTREAM_HOST", _ => new AddressOperator(static s => s.Endpoint?.Address, withPort: true)))
    .ToFrozenDictionary(StringComparer.Ordinal);

    // Connections are pooled by a library that does not tell their sizes, ages, and TLS; and some things a waypoint has not.
    private static readonly FrozenSet<string> Absent = new[]
    {
        "CLUSTER_METADATA", "CUSTOM_FLAGS", "DOWNSTREAM_DETECTED_CLOSE_TYPE", "DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID",
        "DOWNSTREAM_HANDSHAKE_DURATION", "DOWNSTREAM_HEADER_BYTES_RECEIVED", "DOWNSTREAM_HEADER_BYTES_SENT",
        "DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED", "DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
        "DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID", "DOWNSTREAM_LOCAL_CLOSE_REASON", "DOWNSTREAM_LOCAL_DNS_SAN", "DOWNSTREAM_LOCAL_EMAIL_SAN",
        "DOWNSTREAM_LOCAL_IP_SAN", "DOWNSTREAM_LOCAL_OTHERNAME_SAN", "DOWNSTREAM_LOCAL_SUBJECT", "DOWNSTREAM_LOCAL_URI_SAN",
        "DOWNSTREAM_PEER_CERT", "DOWNSTREAM_PEER_CERT_V_END", "DOWNSTREAM_PEER_CERT_V_START", "DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1",
        "DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256", "DOWNSTREAM_PEER_CHAIN_SERIALS", "DOWNSTREAM_PEER_DNS_SAN", "DOWNSTREAM_PEER_EMAIL_SAN",
        "DOWNSTREAM_PEER_FINGERPRINT_1", "DOWNSTREAM_PEER_FINGERPRINT_256", "DOWNSTREAM_PEER_IP_SAN", "DOWNSTREAM_PEER_ISSUER",
        "DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256", "DOWNSTREAM_PEER_ISSUER_SERIAL", "DOWNSTREAM_PEER_OTHERNAME_SAN", "DOWNSTREAM_PEER_SERIAL",
        "DOWNSTREAM_PEER_SUBJECT", "DOWNSTREAM_TLS_CIPHER", "DOWNSTREAM_TLS_GROUP", "DOWNSTREAM_TLS_SESSION_ID", "DOWNSTREAM_TLS_VERSION",
        "DOWNSTREAM_TRANSPORT_FAILURE_REASON", "DOWNSTREAM_WIRE_BYTES_RECEIVED", "DOWNSTREAM_WIRE_BYTES_SENT", "METADATA",
        "REQUEST_HEADERS_BYTES", "REQUEST_TX_DURATION", "RESPONSE_HEADERS_BYTES", "RESPONSE_TRAILERS_BYTES",
        "ROUNDTRIP_DURATION", "TLS_JA3_FINGERPRINT", "TLS_JA4_FINGERPRINT", "UPSTREAM_CONNECTION_ID", "UPSTREAM_CONNECTION_IDS_ATTEMPTED",
        "UPSTREAM_CONNECTION_POOL_READY_DURATION", "UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED", "UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
        "UPSTREAM_DETECTED_CLOSE_TYPE", "UPSTREAM_FILTER_STATE", "UPSTREAM_HEADER_BYTES_RECEIVED", "UPSTREAM_HEADER_BYTES_SENT",
        "UPSTREAM_HOSTS_ATTEMPTED", "UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT", "UPSTREAM_HOST_NAME", "UPSTREAM_HOST_NAMES_ATTEMPTED",
        "UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT", "UPSTREAM_HOST_NAME_WITHOUT_PORT", "UPSTREAM_LOCAL_CLOSE_REASON", "UPSTREAM_LOCAL_DNS_SAN",
        "UPSTREAM_LOCAL_IP_SAN", "UPSTREAM_LOCAL_URI_SAN", "UPSTREAM_METADATA", "UPSTREAM_PEER_CERT", "UPSTREAM_PEER_CERT_V_END",
        "UPSTREAM_PEER_CERT_V_START", "UPSTREAM_PEER_DNS_SAN", "UPSTREAM_PEER_IP_SAN", "UPSTREAM_PEER_ISSUER", "UPSTREAM_PEER_SUBJECT",
        "UPSTREAM_PEER_URI_SAN", "UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID", "UPSTREAM_SERVER_NAME", "UPSTREAM_TLS_CIPHER", "UPSTREAM_TLS_GROUP",
        "UPSTREAM_TLS_SESSION_ID", "UPSTREAM_TLS_VERSION", "UPSTREAM_WIRE_BYTES_RECEIVED", "UPSTREAM_WIRE_BYTES_SENT", "VIRTUAL_CLUSTER_NAME",
        "VIRTUAL_HOST_NAME",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <exception cref="FormatSyntaxException">Envoy has no such operator, or its argument is wrong.</exception>
    public static FieldOperator Create(Command command, Action<string> unsupported)
    {
        if (command.Name == "CEL" || Operators.ContainsKey(command.Name))
        {
            var field = command.Name == "CEL" ? ExpressionOperator.Create(command, unsupported) : Operators[command.Name](command);
            return command.MaxLength is { } length ? new ShortenedOperator(field, length) : field;
        }

        if (!Absent.Contains(command.Name))
        {
            throw new FormatSyntaxException($"'%{command.Name}%' is not a command operator");
        }

        unsupported($"%{command.Name}%");
        return new AbsentOperator();
    }

    public static FormatSyntaxException Invalid(Command command, string reason) => new($"%{command.Name}({command.Argument})%: {reason}");

    private static Func<Command, FieldOperator> Text(Func<StreamInfo, string?> read) => _ => new TextOperator(read);

    private static Func<Command, FieldOperator> Wire(Func<StreamInfo, string?> read) => _ => new WireTextOperator(read);

    private static Func<Command, FieldOperator> Number(Func<StreamInfo, long?> read) => _ => new NumberOperator(read);

    private static IEnumerable<KeyValuePair<string, Func<Command, FieldOperator>>> Addresses(string side, Func<StreamInfo, IPEndPoint?> read) =>
    [
        new($"{side}_ADDRESS", _ => new AddressOperator(read, withPort: true)),
        new($"{side}_ADDRESS_WITHOUT_PORT", _ => new AddressOperator(read, withPort: false)),
        new($"{side}_PORT", _ => new NumberOperator(s => read(s)?.Port)),
    ];

    private static TextOperator EnvironmentVariable(Command command)
    {
        var name = command.Argument is { Length: > 0 } argument ? argument : throw Invalid(command, "a variable's name is needed");
        var value = Environment.GetEnvironmentVariable(name);
        return new TextOperator(_ => value);
    }

    private static string? UpstreamProtocolOf(StreamInfo stream)
    {
        if (stream.Exchange is not { Cluster: { } cluster } exchange || !IsConnected(stream))
        {
            return null;
        }

        var isHttp2 = cluster.Protocol == UpstreamProtocol.Http2 || (cluster.Protocol == UpstreamProtocol.FollowDownstream && exchange.IsHttp2);
        return isHttp2 ? "HTTP/2" : "HTTP/1.1";
    }

    private static bool IsConnected(StreamInfo stream) => stream.Endpoint is not null && stream.Exchange is not { TransportFailure: not null };

    // The server counts connections and writes the count with the digits 0-9 and A-V.
    private static long? ConnectionNumber(string id)
    {
        ulong number = 0;
        foreach (var digit in id)
        {
            var value = digit switch
            {
                >= '0' and <= '9' => digit - '0',
                >= 'A' and <= 'V' => digit - 'A' + 10,
                _ => -1,
            };
            if (value < 0)
            {
                return null;
            }

            number = (number << 5) | (uint)value;
        }

        return (long)(number & long.MaxValue);
    }
}
