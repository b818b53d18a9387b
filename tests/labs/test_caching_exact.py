"""Lab 4.1's caches on paper, against brute force on small traces."""

import random
from functools import cache

import pytest

from labs.m4_performance.caching import exact

TRACES = [[random.Random(seed).randint(1, 6) for _ in range(14)] for seed in range(12)] + [[], [3], [2, 2, 2]]


@pytest.mark.parametrize("trace", TRACES)
def test_one_pass_agrees_with_the_simulation_at_every_size(trace: list[int]) -> None:
    """Mattson's distances and a real LRU list have nothing in common but the answer."""
    misses = exact.misses_by_size(trace)
    assert len(misses) == len(set(trace)) + 1
    assert misses == [len(trace) - sum(exact.lru(trace, size)) for size in range(len(misses))]


@pytest.mark.parametrize("trace", TRACES)
def test_a_distance_is_the_number_of_different_keys_since_the_last_time(trace: list[int]) -> None:
    """Counted the slow way."""
    slow = []
    for now, key in enumerate(trace):
        before = [at for at in range(now) if trace[at] == key]
        slow.append(len(set(trace[before[-1] : now])) if before else 0)
    assert exact.stack_distances(trace) == slow


def most_hits(trace: tuple[int, ...], size: int) -> int:
    """The best that any policy can do, by trying every decision."""

    @cache
    def best(now: int, kept: frozenset[int]) -> int:
        if now == len(trace):
            return 0
        key = trace[now]
        if key in kept:
            return 1 + best(now + 1, kept)
        if len(kept) < size:
            return best(now + 1, kept | {key})
        choices = [kept, *((kept - {victim}) | {key} for victim in kept)]
        return max(best(now + 1, choice) for choice in choices)

    return best(0, frozenset())


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("trace", TRACES)
def test_no_policy_has_more_hits_than_the_optimum(trace: list[int], size: int) -> None:
    """And the optimum has exactly as many as the best of all decisions."""
    assert sum(exact.belady(trace, size)) == most_hits(tuple(trace), size)
