"""An anchor of the generator: 50 tasks on one shared `httpx.AsyncClient`, as one would first write it.

python -m tests.bench.httpx_flood PORT SECONDS     prints requests a second
"""

from __future__ import annotations

import asyncio
import sys
import time

import httpx

TASKS = 50


async def flood(port: int, seconds: float) -> float:
    """Requests a second of all tasks together."""
    count, begun = 0, time.perf_counter()

    async def ask(client: httpx.AsyncClient) -> None:
        nonlocal count
        while time.perf_counter() < begun + seconds:
            await client.get("/")
            count += 1

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        await asyncio.gather(*(ask(client) for _ in range(TASKS)))
    return count / (time.perf_counter() - begun)


if __name__ == "__main__":
    print(asyncio.run(flood(int(sys.argv[1]), float(sys.argv[2]))))
