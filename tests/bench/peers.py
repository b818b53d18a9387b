"""Peers for the bench: a server that echoes, swallows or answers HTTP, and a proxy written with streams.

    python -m tests.bench.peers echo|sink|http         prints its port
    python -m tests.bench.peers streams UPSTREAM_PORT  the anchor: 15 lines of asyncio streams

Each in a process of its own, as real clients, proxies and servers are; ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import cast

import uvloop

SWALLOWED_AT_ONCE = 1 << 18
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"status":"ok"}'


class Peer(asyncio.BufferedProtocol):
    """Echoes each piece; as a sink it swallows instead, and echoes a piece that ends in a newline."""

    def __init__(self, sink: bool) -> None:
        self.sink, self.buffer = sink, memoryview(bytearray(SWALLOWED_AT_ONCE))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        if not self.sink:
            self.transport.write(bytes(self.buffer[:nbytes]))
        elif self.buffer[nbytes - 1] == ord("\n"):
            self.transport.write(b"\n")


class HttpPeer(asyncio.Protocol):
    """Answers every request in the same few bytes, as cheaply as Python can."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(ANSWER * data.count(b"\r\n\r\n"))


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction of the anchor."""
    with contextlib.suppress(ConnectionError):  # its users hang up when they have measured enough
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def serve(kind: str, upstream: int) -> None:
    """Listen on a port of the kernel's choice until standard input ends."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", upstream)
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer), return_exceptions=True)

    loop = asyncio.get_running_loop()
    if kind == "streams":
        server = await asyncio.start_server(relay, "127.0.0.1", 0)
    else:
        made = HttpPeer if kind == "http" else lambda: Peer(kind == "sink")
        server = await loop.create_server(made, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    # the anchor runs on asyncio's own loop, as one would first write it
    run = asyncio.run if sys.argv[1] == "streams" else uvloop.run
    run(serve(sys.argv[1], int((sys.argv[2:] or ["0"])[0])))
