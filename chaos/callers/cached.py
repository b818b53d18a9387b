"""A product by way of Redis, with or without a way round it."""

from __future__ import annotations

import itertools

import redis

from chaos.callers.caller import PATIENCE_S, PRODUCTS
from chaos.callers.statement import Statement


class Cached:
    """A product by way of the cache; without `source`, a lookup fails when the cache does."""

    def __init__(self, cache_url: str, source: Statement, *, falls_back: bool) -> None:
        self._cache = redis.Redis.from_url(
            cache_url, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S, retry=None
        )
        self._source, self._falls_back = source, falls_back
        self._ids = itertools.cycle(range(1, PRODUCTS + 1))

    def __call__(self) -> str:
        key = f"product:{next(self._ids)}"
        try:
            if self._cache.get(key) is not None:
                return "ok"
            outcome = self._source()
            self._cache.set(key, "known", ex=1)
        except redis.RedisError:
            return self._source() if self._falls_back else "failed"
        return outcome

    def close(self) -> None:
        self._cache.close()
        self._source.close()
