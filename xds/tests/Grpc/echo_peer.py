"""Google's own gRPC as the peer of ours: `echo_peer.py client HOST:PORT` calls every kind of method and prints what it saw as JSON;
`echo_peer.py server` serves them, prints its port, and ends when its standard input does."""
import json
import sys
import time
from concurrent import futures

import grpc

SERVICE = "test.Echo"
BIG = 3_000_000


def encode(value):
    """A google.protobuf.BytesValue, by hand, so that nothing but grpc is needed."""
    length, varint = len(value), bytearray()
    while length > 127:
        varint.append(length & 127 | 128)
        length >>= 7
    varint.append(length)
    return b"\x0a" + bytes(varint) + value if value else b""


def decode(message):
    if not message:
        return b""
    position = 1
    while message[position] & 128:
        position += 1
    return message[position + 1:]


def same(x):
    return x


def call(channel, kind, name):
    return getattr(channel, kind)(f"/{SERVICE}/{name}", request_serializer=encode, response_deserializer=decode)


def failure(action):
    try:
        action()
    except grpc.RpcError as error:
        trailers = {k: v if isinstance(v, str) else v.hex() for k, v in error.trailing_metadata() or ()}
        return {"code": error.code().name, "details": error.details(), "trailers": trailers}
    return None


def client(target):
    channel = grpc.insecure_channel(target)
    unary = call(channel, "unary_unary", "Unary")
    upload = call(channel, "stream_unary", "Upload")
    download = call(channel, "unary_stream", "Download")
    chat = call(channel, "stream_stream", "Chat")
    started = time.monotonic()
    seen = {
        "unary": unary(b"hello").decode(),
        "empty": unary(b"").decode(),
        "big": len(unary(bytes(BIG))),
        "headers": unary(b"headers", metadata=(("x-one", "1"), ("x-two-bin", b"\x00\xff"))).decode(),
        "upload": upload(iter([bytes(1000)] * 50)).decode(),
        "download": [m.decode() for m in download(b"5")],
        "chat": [m.decode() for m in chat(iter([b"a", b"b", b"c"]))],
        "failure": failure(lambda: unary(b"fail")),
        "late": failure(lambda: unary(b"fail late")),
        "deadline": failure(lambda: unary(b"wait", timeout=0.1))["code"],
        "unknown": failure(lambda: call(channel, "unary_unary", "Missing")(b""))["code"],
        "compressed": failure(lambda: grpc.insecure_channel(target, compression=grpc.Compression.Gzip).unary_unary(
            f"/{SERVICE}/Unary", request_serializer=encode, response_deserializer=decode)(bytes(5000)))["code"],
    }
    # The server says when it cancels, a stream that the client leaves must not hold it up.
    stream = chat(iter([b"one"]))
    next(stream)
    stream.cancel()
    seen["fast"] = time.monotonic() - started < 15
    print(json.dumps(seen))


def server():
    def unary(request, context):
        value = decode(request)
        context.set_trailing_metadata((("length", str(len(value))), ("detail-bin", b"\x00\x01\x02\xff")))
        if value == b"fail":
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "naïve 100%\nfailure")
        if value == b"wait":
            while context.is_active():
                time.sleep(0.01)
        if value == b"deadline":
            return encode(b"yes" if 0 < context.time_remaining() <= 30 else b"no")
        return request

    def upload(requests, context):
        return encode(str(sum(len(decode(r)) for r in requests)).encode())

    def download(request, context):
        for i in range(int(decode(request))):
            yield encode(str(i).encode())

    def chat(requests, context):
        # An answer of headers only would come first from many servers; here the first message brings them.
        for request in requests:
            yield request

    kinds = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary, same, same),
        "Upload": grpc.stream_unary_rpc_method_handler(upload, same, same),
        "Download": grpc.unary_stream_rpc_method_handler(download, same, same),
        "Chat": grpc.stream_stream_rpc_method_handler(chat, same, same),
    }
    peer = grpc.server(futures.ThreadPoolExecutor(4))
    peer.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, kinds),))
    port = peer.add_insecure_port("127.0.0.1:0")
    peer.start()
    print(port, flush=True)
    sys.stdin.read()
    peer.stop(0)


if __name__ == "__main__":
    client(sys.argv[2]) if sys.argv[1] == "client" else server()
