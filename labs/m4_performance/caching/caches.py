"""The real caches of the tournament: what each knows, what it takes in, what its server counts.

known(keys) -> those it has        store(keys) -> how many writes it refused        counted() -> kept, evicted
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import redis
from pymemcache.client.base import Client  # type: ignore[import-untyped]  # pymemcache ships no types

import backlab

POLICIES = ("noeviction", "allkeys-random", "volatile-ttl", "allkeys-lru", "allkeys-lfu")
CLASSIC = {"memory-limit": "3", "extended": "no_modern"}
VALUE = b"x" * 900
HOUR_S = 3_600  # volatile-ttl evicts only what has one; no key lives to see it


class Cache(Protocol):
    """What the tournament needs of a cache."""

    name: str

    def known(self, keys: Sequence[str]) -> set[str]:
        """Which of the keys it has."""

    def store(self, keys: Sequence[str]) -> int:
        """Take the keys in; how many it refused."""

    def counted(self) -> dict[str, int]:
        """How many keys it keeps, and how many it has evicted."""


class RedisCache:
    """A Redis, emptied, that may keep `room_bytes` beyond what it needs when empty."""

    def __init__(self, name: str, url: str, policy: str, room_bytes: int, samples: int = 5) -> None:
        self.name = name
        self.client = client = redis.Redis.from_url(url)
        client.config_set("maxmemory", 0)
        client.flushall()
        empty_bytes = int(client.info("memory")["used_memory"])
        client.config_set("maxmemory-policy", policy)
        client.config_set("maxmemory-samples", samples)
        client.config_set("maxmemory", empty_bytes + room_bytes)
        client.config_resetstat()

    def known(self, keys: Sequence[str]) -> set[str]:
        values = self.client.mget(keys)
        return {key for key, value in zip(keys, values, strict=True) if value is not None}

    def store(self, keys: Sequence[str]) -> int:
        with self.client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.set(key, VALUE, ex=HOUR_S)
            return sum(isinstance(answer, redis.ResponseError) for answer in pipe.execute(False))

    def counted(self) -> dict[str, int]:
        return {"kept": self.client.dbsize(), "evicted": self.client.info("stats")["evicted_keys"]}


class MemcachedCache:
    """A Memcached, fresh from its start."""

    def __init__(self, name: str, server: Any) -> None:
        self.name = name
        self.client = Client((server.host, server.port), connect_timeout=5, timeout=5)

    def known(self, keys: Sequence[str]) -> set[str]:
        return set(self.client.get_many(keys))

    def store(self, keys: Sequence[str]) -> int:
        return len(self.client.set_many(dict.fromkeys(keys, VALUE), expire=HOUR_S, noreply=False))

    def counted(self) -> dict[str, int]:
        stats = self.client.stats()
        return {"kept": stats[b"curr_items"], "evicted": stats[b"evictions"]}


@contextmanager
def more(kind: str, count: int, settings: Mapping[str, str] | None = None) -> Iterator[list[Any]]:
    """`count` further servers of a kind, started at once, gone after the block."""
    with ExitStack() as stack, ThreadPoolExecutor(max(1, count)) as starting:
        chosen = {kind: settings or {}}
        benches = [backlab.bench(kind, settings=chosen) for _ in range(count)]
        yield [getattr(bench, kind) for bench in starting.map(stack.enter_context, benches)]


@contextmanager
def tournament_caches(room_bytes: int) -> Iterator[list[Cache]]:
    """Two modes of Memcached and five policies of Redis, each on a server of its own."""
    with (
        more("memcached", 1, {"memory-limit": "3"}) as [modern],
        more("memcached", 1, CLASSIC) as [classic],
        more("redis", len(POLICIES)) as servers,
    ):
        players: list[Cache] = [
            MemcachedCache("Memcached, segmented", modern),
            MemcachedCache("Memcached, no_modern", classic),
        ]
        for policy, server in zip(POLICIES, servers, strict=True):
            players.append(RedisCache(f"Redis {policy}", server.url, policy, room_bytes))
        yield players


@contextmanager
def curve_caches(rooms: Sequence[int], samples: Sequence[int]) -> Iterator[list[Cache]]:
    """Redis' LRU at several sizes, looking at few keys or at more before it evicts one."""
    wanted = [(room, looks) for looks in samples for room in rooms]
    with more("redis", len(wanted)) as servers:
        yield [
            RedisCache(f"Redis, {looks} samples", server.url, "allkeys-lru", room, looks)
            for server, (room, looks) in zip(servers, wanted, strict=True)
        ]
