"""Caches on paper: exact LRU at every size from one pass, and what no policy can beat.

requests -> stack distances (Mattson) -> misses at 0, 1, 2 ... keys          Bélády: evict what is needed last
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from itertools import accumulate

NEVER = 1 << 60


def stack_distances(requests: Sequence[Hashable]) -> list[int]:
    """For each request, how many different keys were asked for since its last time, itself included.

    An LRU cache hits exactly when the distance is at most its size. 0 means that the key is new.
    """
    last: dict[Hashable, int] = {}
    times: list[int] = []  # the last time of every key seen, rising
    found = []
    for now, key in enumerate(requests):
        if key in last:
            place = bisect_left(times, last[key])
            found.append(len(times) - place)
            del times[place]
        else:
            found.append(0)
        last[key] = now
        times.append(now)
    return found


def misses_by_size(requests: Sequence[Hashable]) -> list[int]:
    """Misses of exact LRU: element `k` is for a cache of `k` keys, the last one for a cache of all keys."""
    distances = stack_distances(requests)
    hits = [0] * (len(set(requests)) + 1)
    for distance in distances:
        if distance:
            hits[distance] += 1
    return [len(distances) - hit for hit in accumulate(hits)]


def lru(requests: Sequence[Hashable], size: int) -> list[bool]:
    """Simulate an LRU cache of `size` keys, request by request: was it a hit?"""
    kept: OrderedDict[Hashable, None] = OrderedDict()
    hits = []
    for key in requests:
        hits.append(key in kept)
        kept[key] = None
        kept.move_to_end(key)
        if len(kept) > size:
            kept.popitem(last=False)
    return hits


def belady(requests: Sequence[Hashable], size: int) -> list[bool]:
    """Bélády's optimum for `size` keys: was it a hit? Evicts the key whose next use is farthest away.

    It may also refuse the newcomer, so no policy with that many keys has more hits.
    """
    following = _next_uses(requests)
    kept: dict[Hashable, int] = {}  # key -> when it is needed next
    queue: list[tuple[int, int, Hashable]] = []  # the latest first; entries of the past are skipped
    hits = []
    for now, key in enumerate(requests):
        hits.append(key in kept)
        kept[key] = following[now]
        heapq.heappush(queue, (-following[now], now, key))
        while len(kept) > size:
            need, _, victim = heapq.heappop(queue)
            if kept.get(victim) == -need:
                del kept[victim]
    return hits


def _next_uses(requests: Sequence[Hashable]) -> list[int]:
    """When each request's key is asked for next; `NEVER` and later for its last time, all different."""
    seen: dict[Hashable, int] = {}
    found = [0] * len(requests)
    for now in range(len(requests) - 1, -1, -1):
        found[now] = seen.get(requests[now], NEVER + now)
        seen[requests[now]] = now
    return found
