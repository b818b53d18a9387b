"""Lab 4.1, "What do you throw away?": its caches, tournament, stampede, race and judges."""

from labs.m4_performance.caching.caches import curve_caches, tournament_caches
from labs.m4_performance.caching.exact import belady, lru, misses_by_size, stack_distances
from labs.m4_performance.caching.judges import (
    absent_and_failing,
    exact_curve,
    never_stale,
    nobody_waits,
    one_load_at_a_time,
)
from labs.m4_performance.caching.race import Shop, shop
from labs.m4_performance.caching.stampede import WAYS, stampede
from labs.m4_performance.caching.strategies import STRATEGIES
from labs.m4_performance.caching.tournament import curve, in_a_second, on_paper, play, points_lost, steady

__all__ = [
    "STRATEGIES",
    "WAYS",
    "Shop",
    "absent_and_failing",
    "belady",
    "curve",
    "curve_caches",
    "exact_curve",
    "in_a_second",
    "lru",
    "misses_by_size",
    "never_stale",
    "nobody_waits",
    "on_paper",
    "one_load_at_a_time",
    "play",
    "points_lost",
    "shop",
    "stack_distances",
    "stampede",
    "steady",
    "tournament_caches",
]
