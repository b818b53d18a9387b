"""A client that keeps many connections busy: each sends its next request upon the answer to its last."""

from __future__ import annotations

import asyncio
import time
from typing import cast

import uvloop

CONNECTIONS = 32
REQUESTS = 4_000  # a tenth of a second: short rounds of all arms meet the same machine
REQUEST = bytes(100)


class Client(asyncio.Protocol):
    """One connection; takes the next request from a common store until that is empty."""

    def __init__(self, left: list[int], done: asyncio.Future[None]) -> None:
        self.left, self.done = left, done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.left[0] -= 1
        if self.left[0] > 0:
            self.transport.write(REQUEST)
        elif not self.done.done():
            self.done.set_result(None)


async def flood(port: int) -> float:
    """Requests a second over all connections."""
    loop = asyncio.get_running_loop()
    left, done = [REQUESTS], loop.create_future()
    made = [
        await loop.create_connection(lambda: Client(left, done), "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    begun = time.perf_counter()
    for transport, _ in made:
        transport.write(REQUEST)
    async with asyncio.timeout(60):
        await done
    taken = time.perf_counter() - begun
    for transport, _ in made:
        transport.abort()
    return REQUESTS / taken


def requests_per_s(port: int) -> float:
    """The same for callers that have no event loop."""
    return uvloop.run(flood(port))
