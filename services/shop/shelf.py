"""The catalog's own cache of product pages, in Redis: get, put, drop; it never fails a request.

catalog ─▶ shelf.get ─▶ hit │ miss ─▶ database ─▶ shelf.put          a new price ─▶ commit ─▶ shelf.drop
"""

from __future__ import annotations

from contextlib import suppress

import redis

from services.errors import BacklabError
from services.shop.settings import Settings

LIMIT_S = 0.05
PAGE_BYTES = 900  # a page carries more than our four fields


class Shelf:
    """Product pages by id; without a Redis it is always empty."""

    def __init__(self, settings: Settings) -> None:
        self._cache: redis.Redis | None = None
        if settings.one_of("product_cache", ("none", "redis")) == "none":
            return
        if not settings.redis_url:
            raise BacklabError("SHOP_REDIS_URL is not set", "name the Redis that keeps product pages")
        self._cache = redis.Redis.from_url(
            settings.redis_url, socket_timeout=LIMIT_S, socket_connect_timeout=LIMIT_S, retry=None
        )

    def get(self, product_id: int) -> bytes | None:
        """The page's JSON, or None; a Redis that does not answer within 50 ms has none."""
        if self._cache is not None:
            with suppress(redis.RedisError):
                return self._cache.get(f"page:{product_id}")  # type: ignore[return-value]
        return None

    def put(self, product_id: int, page: str) -> None:
        """Keep a page, padded to a real one's size."""
        if self._cache is not None:
            with suppress(redis.RedisError):
                self._cache.set(f"page:{product_id}", page.ljust(PAGE_BYTES), ex=3_600)

    def drop(self, product_id: int) -> None:
        """Forget a page whose product has changed."""
        if self._cache is not None:
            with suppress(redis.RedisError):
                self._cache.delete(f"page:{product_id}")
