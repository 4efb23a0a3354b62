"""Calls waypoint.echo.Echo at TARGET with Debian's gRPC: a foreign client. Prints one JSON object of what came back."""
import json
import sys

import grpc

HELLO = b"\x0a\x05hello"


def text(message):
    return message[2:].decode()


with grpc.insecure_channel(sys.argv[1]) as channel:
    unary = channel.unary_unary("/waypoint.echo.Echo/Unary")
    try:
        channel.unary_unary("/waypoint.echo.Echo/Unary")(HELLO, timeout=5, metadata=[("x-fail", "9")])
        failure = "none"
    except grpc.RpcError as error:
        failure = error.code().name
    print(json.dumps({
        "unary": text(unary(HELLO, timeout=5)),
        "canary": text(unary(HELLO, timeout=5, metadata=[("x-canary", "always")])),
        "serverStream": [text(m) for m in channel.unary_stream("/waypoint.echo.Echo/ServerStream")(HELLO, timeout=5)],
        "bidiStream": [text(m) for m in channel.stream_stream("/waypoint.echo.Echo/BidiStream")(iter([HELLO] * 3), timeout=5)],
        "status": failure,
    }))
