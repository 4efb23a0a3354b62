namespace Waypoint.Echo;

internal enum EchoProtocol
{
    Http1,
    Http2,
    RawHttp,
    Tcp,
    Greeting,
    HalfClose,
}
