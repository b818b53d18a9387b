"""The catalog's cache of product pages: it saves questions, forgets what has changed, and fails nobody."""

import httpx
import redis

from services.redis import Redis
from services.shop.topology import Shop


def test_a_page_that_is_read_again_comes_from_redis_and_a_new_price_shows_at_once() -> None:
    """Redis' own count of hits is the witness."""
    with (
        Redis() as cache,
        Shop(["catalog"], settings={"product_cache": "redis", "redis_url": cache.url}) as shop,
    ):
        url = f"{shop.url_of('catalog')}/products/7"
        first, second = httpx.get(url).json(), httpx.get(url).json()
        httpx.put(f"{url}/price", json={"price_cents": 4_321}).raise_for_status()
        with redis.Redis.from_url(cache.url) as client:
            assert client.info("stats")["keyspace_hits"] == 1
        assert first == second
        assert httpx.get(url).json()["price_cents"] == 4_321


def test_without_its_redis_the_catalog_asks_the_database() -> None:
    """Nobody listens on port 1."""
    nowhere = {"product_cache": "redis", "redis_url": "redis://127.0.0.1:1/0"}
    with Shop(["catalog"], settings=nowhere) as shop:
        assert httpx.get(f"{shop.url_of('catalog')}/products/7").json()["id"] == 7
