"""Where the catalog looks for a product before it asks the database: nowhere, or in Redis (cache-aside).

GET /products/7         get product:7 ──hit──▶ answer
                              └─miss─▶ database: load ──▶ set product:7, with a lifetime ──▶ answer
PUT /products/7/price   database: commit ──▶ delete product:7

Two things are as most shops have them, and lab 4.1 repairs them: readers who miss at once all load, and
one who loaded before a price change may set the old price after the delete. It then lives out its lifetime.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Protocol

import redis
from prometheus_client import Counter
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.errors import BacklabError
from services.shop.settings import Settings

LOOKUPS = Counter("shop_product_lookups", "Looks into the cache: hit, miss, or failed", ["outcome"])
LOADS = Counter("shop_product_loads", "Products that were read from the database one by one", ["cache"])

INVALIDATIONS = ("delete", "none")
Load = Callable[[], str]


class ProductCache(Protocol):
    """What the catalog needs of a cache; values are JSON documents."""

    def get_or_load(self, product_id: int, load: Load) -> str: ...
    def changed(self, product_id: int) -> None: ...
    def close(self) -> None: ...


class NoCache:
    """Every look is a load."""

    def __init__(self, settings: Settings) -> None:
        self._loads = LOADS.labels("none")

    def get_or_load(self, product_id: int, load: Load) -> str:
        self._loads.inc()
        return load()

    def changed(self, product_id: int) -> None:
        return

    def close(self) -> None:
        return


class RedisCache:
    """One string per product. A Redis that does not answer in time is a miss, not an error.

    The database then takes every look, as many at a time as its pool has connections.
    """

    def __init__(self, settings: Settings) -> None:
        if not settings.redis_url:
            raise BacklabError("SHOP_REDIS_URL is not set", "name the Redis, or set SHOP_PRODUCT_CACHE=none")
        self._redis = redis.Redis.from_url(
            settings.redis_url,
            decode_responses=True,
            socket_timeout=settings.product_cache_timeout_s,
            socket_connect_timeout=settings.product_cache_timeout_s,
            retry=Retry(NoBackoff(), 0),  # by default it tries again and again while the page waits
        )
        self._lifetime_ms = max(1, round(settings.product_cache_ttl_s * 1000))
        self._deletes = settings.one_of("product_cache_invalidation", INVALIDATIONS) == "delete"
        self._loads = LOADS.labels("redis")

    def get_or_load(self, product_id: int, load: Load) -> str:
        found = self._look(product_id)
        if found is not None:
            return found
        self._loads.inc()
        loaded = load()
        with contextlib.suppress(redis.RedisError):  # full, or gone: the answer is good all the same
            self._redis.set(_key(product_id), loaded, px=self._lifetime_ms)
        return loaded

    def changed(self, product_id: int) -> None:
        if self._deletes:
            with contextlib.suppress(redis.RedisError):  # the old price then lives out its lifetime
                self._redis.delete(_key(product_id))

    def close(self) -> None:
        self._redis.close()

    def _look(self, product_id: int) -> str | None:
        try:
            found = self._redis.get(_key(product_id))
        except redis.RedisError:
            LOOKUPS.labels("failed").inc()
            return None
        LOOKUPS.labels("miss" if found is None else "hit").inc()
        return None if found is None else str(found)


def _key(product_id: int) -> str:
    return f"product:{product_id}"


CACHES: dict[str, Callable[[Settings], ProductCache]] = {"none": NoCache, "redis": RedisCache}
