"""Sends messages through one WebSocket to URL with Debian's websockets: a foreign client. Prints what came back, one line each."""
import asyncio
import sys

import websockets


async def main():
    async with websockets.connect(sys.argv[1], open_timeout=5) as socket:
        for message in ("one", "two", "x" * 70000):
            await socket.send(message)
            answer = await socket.recv()
            print(f"{len(answer)} {answer[:8]}")


asyncio.run(main())
