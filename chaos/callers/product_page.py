"""A product page by way of the cache, patient or bounded: what its screens call in lab 4.1's experiment.

screen ─▶ page ─▶ Redis, within the time limit? ─▶ else PostgreSQL, POOL loads at once ─▶ back to Redis

A page that takes longer than BUDGET_S has failed, whatever it shows: its reader has gone.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import redis

from chaos.callers.caller import PRODUCTS, Addresses
from chaos.callers.statement import Statement

BUDGET_S = 0.5
LIMIT_S = 0.05
POOL = 4
LOAD = "SELECT name, price_cents, pg_sleep(0.02) FROM products WHERE id = %s"


class Loads:
    """How many loads of one arm are in flight, and the most that ever were."""

    def __init__(self, at_most: int) -> None:
        self.most = self._now = 0
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(at_most)

    @contextmanager
    def one(self, within_s: float) -> Iterator[bool]:
        """Whether there was a turn within the time; it lasts as long as the block."""
        if not self._turns.acquire(timeout=max(0.0, within_s)):
            yield False
            return
        try:
            with self._lock:
                self._now += 1
                self.most = max(self.most, self._now)
            yield True
        finally:
            with self._lock:
                self._now -= 1
            self._turns.release()


@dataclass(frozen=True)
class Manners:
    """How a page treats a cache that does not answer."""

    client: dict[str, Any]
    at_most: int


MANNERS = {
    "patient": Manners({}, 1_000),  # redis-py's defaults: five seconds, and again
    "bounded": Manners({"socket_timeout": LIMIT_S, "socket_connect_timeout": LIMIT_S, "retry": None}, POOL),
}
_loads: dict[str, Loads] = {}  # of this process's one performance, by manners


def loads(name: str) -> Loads:
    """The counter that all pages of these manners share."""
    return _loads.setdefault(name, Loads(MANNERS[name].at_most))


class ProductPage:
    """One screen: the next product, from the cache or else from the database."""

    def __init__(self, stage: Addresses, manners: str) -> None:
        self._cache = redis.Redis.from_url(stage.address("redis"), **MANNERS[manners].client)
        self._source, self._loads = Statement(stage.address("postgres"), LOAD), loads(manners)
        self._ids, self._manners = itertools.cycle(range(1, PRODUCTS + 1)), manners

    def __call__(self) -> str:
        began_s = time.monotonic()
        key = f"{self._manners}:{next(self._ids)}"
        outcome = "ok" if self._cached(key) else self._load(key, began_s)
        return outcome if time.monotonic() - began_s <= BUDGET_S else "failed"

    def _cached(self, key: str) -> bool:
        try:
            return self._cache.get(key) is not None
        except redis.RedisError:
            return False

    def _load(self, key: str, began_s: float) -> str:
        with self._loads.one(within_s=BUDGET_S - (time.monotonic() - began_s)) as turn:
            outcome = self._source() if turn else "failed"
        if outcome == "ok":
            with suppress(redis.RedisError):  # the page is there all the same
                self._cache.set(key, "known", ex=60)
        return outcome

    def close(self) -> None:
        """Give the connections back."""
        self._cache.close()
        self._source.close()
