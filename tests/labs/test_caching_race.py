"""Lab 4.1's race: the exact counts of every schedule on the real Redis and the real PostgreSQL."""

from collections.abc import Iterator

import pytest

import backlab
from labs.m4_performance.caching.race import PRODUCT, UNKNOWN, Shop, shop
from labs.m4_performance.caching.strategies import STRATEGIES

# stale schedules of 1 reader and 1 writer (of 10; of 20 where a writer has three steps), 1 and 2 (of 210),
# 2 and 1 (of 560)
STALE = {
    "delete before": (6, 144, 340),
    "delete after": (1, 24, 70),
    "delete, write, delete": (3, None, None),
    "set after": (1, 68, 74),
    "versioned read, delete": (1, 24, 52),
    "versioned on both sides": (0, 0, 0),
    "lease": (0, 0, 0),
}


@pytest.fixture(scope="module")
def world() -> Iterator[Shop]:
    """One Redis and one PostgreSQL for all counts."""
    with backlab.bench("redis", "postgres") as b, shop(b.redis.url, b.postgres.database()) as made:
        yield made


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_share_of_stale_schedules_is_exact(name: str, world: Shop) -> None:
    """Counts by enumeration: the same on every machine and in every run."""
    read, write = STRATEGIES[name]
    for (readers, writers), expected in zip([(1, 1), (1, 2), (2, 1)], STALE[name], strict=True):
        if expected is not None:
            found = world.every_schedule(read, write, readers, writers)
            assert (found.bad, set(found.symptoms) <= {"stale cache"}) == (expected, True)


@pytest.mark.parametrize("name", STRATEGIES)
def test_an_unknown_product_is_read_as_none_also_after_a_write(name: str, world: Shop) -> None:
    """Nothing is cached for what is not there, and nothing raises."""
    read, write = STRATEGIES[name]
    pair = world.witness
    world.fresh()
    write(pair.cache, pair.database, UNKNOWN, 100)
    assert read(pair.cache, pair.database, UNKNOWN) is None


def test_a_step_is_one_round_trip_and_is_named_after_it(world: Shop) -> None:
    """On a miss three, on a hit one."""
    read, _ = STRATEGIES["lease"]
    assert world.trips(lambda pair: read(pair.cache, pair.database, PRODUCT)) == ["eval", "select", "eval"]
    assert world.trips_warm(lambda pair: read(pair.cache, pair.database, PRODUCT)) == ["eval"]


def test_an_actor_that_raises_ends_its_schedules_badly(world: Shop) -> None:
    """A reader that fails is no reader that is right."""

    def broken(cache, database, product_id):
        cache.get("price:7")
        raise KeyError("price")

    _, write = STRATEGIES["delete after"]
    found = world.every_schedule(broken, write, 1, 1)
    assert found.bad == found.total == 3
    assert set(found.symptoms) == {"KeyError in get"}
