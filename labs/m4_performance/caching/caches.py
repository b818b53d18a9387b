"""The real caches of the tournament: what each knows, what it takes in, what its server counts.

known(keys) -> those it has        store(keys) -> how many writes it refused        counted() -> kept, evicted
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import redis
from pymemcache.client.base import Client  # type: ignore[import-untyped]  # pymemcache ships no types

from services import kinds
from services.together import together

POLICIES = ("noeviction", "allkeys-random", "volatile-ttl", "allkeys-lru", "allkeys-lfu")
MODERN = {"memory-limit": "3"}
CLASSIC = MODERN | {"extended": "no_modern"}
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
def tournament_caches(room_bytes: int) -> Iterator[list[Cache]]:
    """Two modes of Memcached and five policies of Redis, each on a server of its own."""
    modern, classic = (kinds.make("memcached", settings=mode) for mode in (MODERN, CLASSIC))
    servers = [kinds.make("redis") for _ in POLICIES]
    with together([modern, classic, *servers]):
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
    servers = [kinds.make("redis") for _ in wanted]
    with together(servers):
        yield [
            RedisCache(f"Redis, {looks} samples", server.url, "allkeys-lru", room, looks)
            for server, (room, looks) in zip(servers, wanted, strict=True)
        ]
