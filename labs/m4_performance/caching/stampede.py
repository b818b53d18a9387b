"""The stampede: forty clients, one hot key that expires, four ways to load it again.

client -> Redis: fresh? -> loader: 100 ms in PostgreSQL      counted: loads, most at once, who waits

All four ways run side by side in the same seconds, each on a key of its own.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import redis.asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from backlab.loop import in_a_loop

if TYPE_CHECKING:
    import pandas as pd

LOAD_S = 0.1
TTL_S = 1.0
THINK_S = 0.15
Load = Callable[[], Awaitable[str]]
Get = Callable[["Ground"], Awaitable[str]]


class Ground:
    """One key in Redis and its loader, which counts."""

    def __init__(self, name: str, cache: redis.asyncio.Redis, engine: AsyncEngine, seed: int) -> None:
        self.name, self.cache, self.engine = name, cache, engine
        self.key, self.dice = f"hot:{name}", random.Random(f"{seed} {name}")
        self.loads = self.now = self.most_at_once = self.waited = self.requests = 0
        self.background: set[asyncio.Task[Any]] = set()

    async def load(self) -> str:
        """The slow question to the database."""
        self.loads += 1
        self.now += 1
        self.most_at_once = max(self.most_at_once, self.now)
        try:
            async with self.engine.connect() as connection:
                await connection.execute(text("SELECT pg_sleep(:s)"), {"s": LOAD_S})
        finally:
            self.now -= 1
        return "a price"

    async def refresh(self) -> str:
        """Load and store, with how long it took and until when it counts as fresh."""
        began_s = time.monotonic()
        value = await self.load()
        now_s = time.monotonic()
        stored = json.dumps([value, now_s - began_s, now_s + TTL_S])
        await self.cache.set(self.key, stored)
        return value

    async def stored(self) -> tuple[str | None, float, float]:
        """Value (None where there is none), seconds its load took, seconds until it expires."""
        found = await self.cache.get(self.key)
        if found is None:
            return None, 0.0, 0.0
        value, took_s, until_s = json.loads(found)
        return value, took_s, until_s - time.monotonic()

    async def take_lock(self) -> bool:
        """Whether we are the one who loads; the lock ends by itself should we die."""
        return bool(await self.cache.set(f"lock:{self.key}", "mine", nx=True, px=2_000))

    async def drop_lock(self) -> None:
        await self.cache.delete(f"lock:{self.key}")


async def naive(ground: Ground) -> str:
    """Fresh, or load."""
    value, _, left_s = await ground.stored()
    return value if value is not None and left_s > 0 else await ground.refresh()


async def lock(ground: Ground) -> str:
    """One loads, the others look again until it is there."""
    while True:
        value, _, left_s = await ground.stored()
        if value is not None and left_s > 0:
            return value
        if await ground.take_lock():
            try:
                return await ground.refresh()
            finally:
                await ground.drop_lock()
        await asyncio.sleep(LOAD_S / 5)


async def early(ground: Ground) -> str:
    """XFetch: each throws dice, and the nearer the end the likelier it loads before it."""
    value, took_s, left_s = await ground.stored()
    if value is not None and left_s > -took_s * math.log(1 - ground.dice.random()):
        return value
    return await ground.refresh()


async def stale(ground: Ground) -> str:
    """Hand out the old value at once; one loads the new one behind everybody's back."""
    value, _, left_s = await ground.stored()
    if value is None:
        return await lock(ground)
    if left_s <= 0 and await ground.take_lock():
        task = asyncio.create_task(_refresh_and_unlock(ground))
        ground.background.add(task)
        task.add_done_callback(ground.background.discard)
    return value


async def _refresh_and_unlock(ground: Ground) -> None:
    try:
        await ground.refresh()
    finally:
        await ground.drop_lock()


WAYS: dict[str, Get] = {
    "naive": naive,
    "lock": lock,
    "XFetch": early,
    "stale meanwhile": stale,
}


def stampede(redis_url: str, database_url: str, clients: int, seconds: float, seed: int) -> pd.DataFrame:
    """Let `clients` read each key for `seconds`: arm, loads, most at once, waited, requests."""
    return in_a_loop(lambda: _stampede(redis_url, database_url, clients, seconds, seed))


async def _stampede(
    redis_url: str, database_url: str, clients: int, seconds: float, seed: int
) -> pd.DataFrame:
    engine = create_async_engine(database_url, pool_size=2 * clients, isolation_level="AUTOCOMMIT")
    cache = redis.asyncio.Redis.from_url(redis_url, max_connections=len(WAYS) * (clients + 1))
    try:
        await _connect(cache, engine, len(WAYS) * clients)
        grounds = {way: Ground(way, cache, engine, seed) for way in WAYS}
        await asyncio.gather(*(ground.refresh() for ground in grounds.values()))
        for ground in grounds.values():
            ground.loads = ground.most_at_once = 0  # the first load is nobody's stampede
        until_s = time.monotonic() + seconds
        await asyncio.gather(
            *(_client(WAYS[way], ground, until_s) for way, ground in grounds.items() for _ in range(clients))
        )
        await asyncio.gather(*(task for ground in grounds.values() for task in ground.background))
    finally:
        await cache.aclose()
        await engine.dispose()
    import pandas as pd

    columns = {"loads": "loads", "most at once": "most_at_once", "waited": "waited", "requests": "requests"}
    return pd.DataFrame(
        [{"arm": w, **{c: getattr(g, a) for c, a in columns.items()}} for w, g in grounds.items()]
    )


async def _connect(cache: redis.asyncio.Redis, engine: AsyncEngine, clients: int) -> None:
    """Open the connections first: a handshake is nobody's waiting."""

    async def ask() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    await asyncio.gather(*(cache.ping() for _ in range(clients)))
    await asyncio.gather(*(ask() for _ in range(30)))


async def _client(get: Get, ground: Ground, until_s: float) -> None:
    while (began_s := time.monotonic()) < until_s:
        await get(ground)
        ground.requests += 1
        ground.waited += time.monotonic() - began_s > LOAD_S / 2
        await asyncio.sleep(ground.dice.expovariate(1 / THINK_S))
