"""Lab 4.1 inside the sandbox: how the judge's calls reach the learner's code; only plain JSON goes back.

crowd: come -> answers, in an event loop that never stops        race: read | write, each in one call
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import psycopg
import redis
import redis.asyncio

CLIENTS = 64  # connections of a crowd to Redis


class Unreachable(Exception):
    """What the loader raises where the judge has its load fail."""


class Crowd:
    """Clients of the learner's cache, in a loop of their own that also runs between the judge's calls."""

    def __init__(self, make: Callable[..., Any], cache_url: str, loads_url: str) -> None:
        self._make, self._cache_url, self._loads_url = make, cache_url, loads_url
        self._loop = asyncio.new_event_loop()
        self._tasks: list[asyncio.Task[Any]] = []
        self._client: redis.asyncio.Redis | None = None
        threading.Thread(target=self._loop.run_forever, name="crowd", daemon=True).start()

    def wait(self, work: Awaitable[Any]) -> Any:
        """Have something done in the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()  # type: ignore[arg-type]

    async def new(self, ttl_s: float) -> None:
        """Another cache of the learner's, with a client of its own."""
        if self._client is not None:
            await self._client.aclose()
        self._client = redis.asyncio.Redis.from_url(self._cache_url, max_connections=CLIENTS)
        self._cache = self._make(self._client, ttl_s=ttl_s)

    async def load(self, key: str) -> str | None:
        """The slow question to the database, on a connection of its own."""
        async with await psycopg.AsyncConnection.connect(self._loads_url, autocommit=True) as connection:
            said = await connection.execute("SELECT value, fails FROM load(%s)", [key])
            value, fails = await said.fetchone()  # type: ignore[misc]  # a function's one row
        if fails:
            raise Unreachable(value)
        return value  # type: ignore[no-any-return]

    async def come(self, key: str, clients: int) -> None:
        """So many ask for a key; their answers are for later."""
        ask = self._cache.get_or_load
        self._tasks = [self._loop.create_task(ask(key, partial(self.load, key))) for _ in range(clients)]

    async def answers(self, patience_s: float) -> list[dict[str, Any] | None]:
        """What each of those who came got or heard; None where it has no answer within `patience_s`."""
        await asyncio.wait(self._tasks, timeout=patience_s)
        return [_said(task) if task.done() else None for task in self._tasks]


def _said(task: asyncio.Task[Any]) -> dict[str, Any]:
    if task.cancelled():
        return {"raised": "CancelledError"}
    error = task.exception()
    return {"got": task.result()} if error is None else {"raised": str(error)}


def names(shared: dict[str, Any]) -> dict[str, Any]:
    """A crowd's servers, or a reader's and writer's clients, connected; the exercises see no more of them."""
    if "loads_url" in shared:
        return {"_crowd_of": partial(Crowd, cache_url=shared["cache_url"], loads_url=shared["loads_url"])}
    cache = redis.Redis.from_url(shared["cache_url"], decode_responses=True, socket_timeout=15)
    cache.ping()
    database = psycopg.connect(
        shared["database_url"], autocommit=True, prepare_threshold=None, options="-c lock_timeout=500"
    )
    return {"_clients": (cache, database)}


def new_cache(names: dict[str, Any], ttl_s: float) -> None:
    """A ProductCache."""
    if "_crowd" not in names:
        names["_crowd"] = names["_crowd_of"](names["ProductCache"])
    names["_crowd"].wait(names["_crowd"].new(ttl_s))


def come(names: dict[str, Any], key: str, clients: int) -> None:
    """A crowd comes."""
    names["_crowd"].wait(names["_crowd"].come(key, clients))


def answers(names: dict[str, Any], patience_s: float) -> list[Any]:
    """Its answers so far."""
    return list(names["_crowd"].wait(names["_crowd"].answers(patience_s)))


def read(names: dict[str, Any], product_id: int) -> Any:
    """One read, from its first round trip to its last."""
    return names["read_through"](*names["_clients"], product_id)


def write(names: dict[str, Any], product_id: int, price_cents: int) -> None:
    """One write."""
    names["write_through"](*names["_clients"], product_id, price_cents)


def curve(names: dict[str, Any], trace: list[int]) -> list[Any]:
    """A curve."""
    return list(names["lru_curve"](trace))


_ALL = (new_cache, come, answers, read, write, curve)
CALLS = {each.__name__: each for each in _ALL}
