"""The product page through a cache: what is loaded, what is found, and what a dead or stale cache does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import httpx
import pytest
import redis

from services.errors import BacklabError
from services.redis import Redis
from services.shop import run
from services.shop.settings import Settings
from services.shop.topology import Shop
from tests.services.shop.asking import counted, problem

CACHED = {"product_cache": "redis", "product_cache_ttl_s": 300.0}


@pytest.fixture(scope="module")
def cache() -> Iterator[Redis]:
    """A Redis of these tests' own, which may be paused."""
    with Redis() as server:
        yield server


@pytest.fixture(scope="module")
def database_url(fresh_database: Callable[[], str]) -> str:
    """One database below all the catalogs."""
    return fresh_database()


@pytest.fixture(scope="module")
def shop(database_url: str, cache: Redis) -> Iterator[Shop]:
    """A catalog with a cache."""
    settings = CACHED | {"redis_url": cache.url}
    with Shop(["catalog"], database_url=database_url, settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def stored(cache: Redis) -> Iterator[redis.Redis]:
    """A client of that Redis."""
    with redis.Redis.from_url(cache.url, decode_responses=True) as client:
        yield client


@pytest.fixture
def tally(shop: Shop) -> Callable[[], tuple[int, int, int, int]]:
    """Hits, misses, failed looks and loads since the test began."""
    look = partial(counted, shop.url, "shop_product_lookups_total")

    def now() -> list[int]:
        looks = [int(look(outcome=name)) for name in ("hit", "miss", "failed")]
        return [*looks, int(counted(shop.url, "shop_product_loads_total", cache="redis"))]

    before = now()
    return lambda: tuple(b - a for a, b in zip(before, now(), strict=True))


def price_of(client: httpx.Client, product_id: int) -> int:
    """The price on the product page."""
    return int(client.get(f"/products/{product_id}").json()["price_cents"])


def test_a_product_is_loaded_once_and_found_afterwards(client, stored, tally):
    """Ten looks: one miss, one load, nine hits, the same answer each time, with a lifetime."""
    answers = [client.get("/products/21").json() for _ in range(10)]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["id"] == 21
    assert tally() == (9, 1, 0, 1)
    assert 290_000 < stored.pttl("product:21") <= 300_000


def test_a_price_change_is_seen_by_the_next_look(client, tally):
    """The old document is deleted, so that the next look loads."""
    old = price_of(client, 22)
    client.put("/products/22/price", json={"price_cents": old + 1})
    assert [price_of(client, 22), price_of(client, 22)] == [old + 1, old + 1]
    assert tally() == (1, 2, 0, 2)


def test_without_invalidation_the_old_price_lives_out_its_lifetime(start, database_url, cache, stored):
    """The database has the new price, the page the old one, until the document is gone."""
    settings = CACHED | {"redis_url": cache.url, "product_cache_invalidation": "none"}
    shop = start(["catalog"], database_url=database_url, settings=settings)
    with httpx.Client(base_url=shop.url, timeout=30) as client:
        old = price_of(client, 23)
        client.put("/products/23/price", json={"price_cents": old + 1})
        assert price_of(client, 23) == old
        assert client.get("/products?ids=23").json()[0]["price_cents"] == old + 1  # lists are not cached
        stored.delete("product:23")  # as its lifetime would
        assert price_of(client, 23) == old + 1


def test_an_unknown_product_is_looked_for_each_time(client, tally):
    """What is not there is not remembered: the naive cache's first gap."""
    for _ in range(3):
        problem(client.get("/products/999999"), 404, "not-found")
    assert tally() == (0, 3, 0, 3)


def test_a_cache_that_does_not_answer_is_a_miss(shop, client, cache, tally):
    """The page comes from the database, a price change succeeds, and the catalog stays ready."""
    price_of(client, 24)
    cache.pause()
    try:
        assert client.get("/products/24").json()["id"] == 24
        assert client.put("/products/25/price", json={"price_cents": 77}).is_success
        assert httpx.get(f"{shop.url}/ready", timeout=30).is_success
    finally:
        cache.resume()
    assert tally() == (0, 1, 1, 2)
    assert price_of(client, 25) == 77


def test_without_a_cache_every_look_is_a_load(start, database_url):
    """The same counter, so that both can be compared."""
    shop = start(["catalog"], database_url=database_url)
    for _ in range(3):
        assert httpx.get(f"{shop.url}/products/21", timeout=30).is_success
    assert counted(shop.url, "shop_product_loads_total", cache="none") == 3
    assert counted(shop.url, "shop_product_lookups_total") == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"product_cache": "memcached"}, "choose one of none, redis"),
        ({"product_cache": "redis"}, "SHOP_REDIS_URL is not set"),
        ({"product_cache": "redis", "redis_url": "redis://127.0.0.1:1", "product_cache_invalidation": "x"},
         "choose one of delete, none"),
    ],
)  # fmt: skip
def test_settings_that_name_no_cache_are_refused(settings, said):
    """Before the first request, with the next step."""
    with pytest.raises(BacklabError, match=said):
        run.process(["catalog"], Settings(database_url="postgresql+psycopg://127.0.0.1:1/x", **settings))
