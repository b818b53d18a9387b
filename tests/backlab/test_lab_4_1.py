"""Lab 4.1's counts that its prose states and no cell prints."""

from __future__ import annotations

from backlab import bench
from labs.m4_performance import caching as lab


def test_deleting_twice_leaves_a_stale_price_in_as_many_schedules_as_the_prose_says() -> None:
    """3 of 20 with one writer; 240 of 1,680 with two, which the lab has no time to run."""
    read, write = lab.STRATEGIES["delete, write, delete"]
    with bench("redis", "postgres") as b, lab.shop(b.redis.url, b.postgres.database()) as shop:
        one, two = (shop.every_schedule(read, write, 1, writers) for writers in (1, 2))
    assert (one.bad, one.total) == (3, 20)
    assert (two.bad, two.total) == (240, 1_680)
