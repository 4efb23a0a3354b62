namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary>The format of an access log's line: text, or JSON.</summary>
internal sealed class LineFormat
{
    private readonly TextFormat? _text;
    private readonly JsonFormat? _json;

    public LineFormat(TextFormat text) => _text = text;

    public LineFormat(JsonFormat json) => _json = json;

    /// <summary>Istio's line, for a log that no configuration asks for.</summary>
    public static LineFormat IstioDefault { get; } = Default(
        "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% "
        + "%CONNECTION_TERMINATION_DETAILS% \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% "
        + "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" "
        + "\"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% "
        + "%REQUESTED_SERVER_NAME% %ROUTE_NAME%\n");

    /// <summary>Envoy's line, for a log that is configured without a format.</summary>
    public static LineFormat EnvoyDefault { get; } = Default(
        "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% "
        + "%DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" "
        + "\"%UPSTREAM_HOST%\"\n");

    public void Write(StreamInfo stream, LineBuffer output)
    {
        if (_text is not null)
        {
            _text.Write(stream, output);
        }
        else
        {
            _json!.Write(stream, output);
        }
    }

    private static LineFormat Default(string format) => new(TextFormat.Compile(format, omitEmpty: false, static _ => { }));
}
