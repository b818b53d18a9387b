"""The tournament: one recorded trace against real caches, all in step, hits counted phase by phase.

trace -> runs of 50: each cache in turn: one MGET -> misses: one pipeline of SETs -> hits, refused writes

No cache sees the next run before all have seen this one, so a slow second falls on all of them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from datasets.traffic import PHASES, Trace
from labs.m4_performance.caching import exact
from labs.m4_performance.caching.caches import Cache, RedisCache
from services import kinds

if TYPE_CHECKING:
    import pandas as pd

RUN = 50


class Score:
    """What one cache has scored so far, by phase, and how many writes it has refused."""

    def __init__(self) -> None:
        self.hits = dict.fromkeys(PHASES, 0)
        self.scored = dict.fromkeys(PHASES, 0)
        self.refused = 0

    def serve(self, cache: Cache, keys: Sequence[str], scored: Sequence[bool], phase: str) -> None:
        """One run: a key asked for twice in it can miss only once, since then we know it."""
        wanted = list(dict.fromkeys(keys))
        found = cache.known(wanted)
        missed = [key for key in wanted if key not in found]
        if missed:
            self.refused += cache.store(missed)
        new = set(missed)
        for key, counts in zip(keys, scored, strict=True):
            self.scored[phase] += counts
            self.hits[phase] += counts and key not in new
            new.discard(key)


def play(trace: Trace, caches: Sequence[Cache], run_ms: float = 0.0) -> pd.DataFrame:
    """The trace against all caches in step, each run taking at least `run_ms`: a row per cache and phase."""
    import pandas as pd

    scores = {cache: Score() for cache in caches}
    due_s = time.monotonic()
    for run in trace.batches(RUN):
        keys = [f"product:{at}" for at in trace.product[run].tolist()]
        scored, phase = trace.scored[run].tolist(), PHASES[trace.phase[run.start]]
        for cache, score in scores.items():
            score.serve(cache, keys, scored, phase)
        due_s = max(due_s + run_ms / 1e3, time.monotonic() - 1)
        time.sleep(max(0.0, due_s - time.monotonic()))
    return pd.DataFrame([row for cache, score in scores.items() for row in _rows(cache, score)])


def _rows(cache: Cache, score: Score) -> list[dict[str, Any]]:
    counted = {**cache.counted(), "refused": score.refused}
    return [
        {"arm": cache.name, "phase": phase, "hit ratio": score.hits[phase] / score.scored[phase], **counted}
        for phase in PHASES
        if score.scored[phase]
    ]


def on_paper(trace: Trace, size: int) -> pd.DataFrame:
    """Exact LRU and Bélády's optimum with `size` keys on the same trace, scored alike."""
    import pandas as pd

    requests = trace.product.tolist()
    rows: list[dict[str, Any]] = []
    for name, simulate in (("optimum (Bélády)", exact.belady), ("exact LRU", exact.lru)):
        frame = pd.DataFrame({"phase": trace.phase, "hit": simulate(requests, size)})[trace.scored]
        for at, ratio in frame.groupby("phase")["hit"].mean().items():
            rows.append({"arm": name, "phase": PHASES[int(str(at))], "hit ratio": ratio, "kept": size})
    return pd.DataFrame(rows)


def curve(requests: Sequence[int], smallest: int = 200) -> pd.DataFrame:
    """Exact LRU's miss ratio, for a plot at sizes that grow by a quarter: arm, level (keys), miss ratio."""
    import pandas as pd

    misses = exact.misses_by_size(requests)
    sizes = [smallest]
    while sizes[-1] * 1.25 < len(misses) - 1:
        sizes.append(round(sizes[-1] * 1.25))
    sizes.append(len(misses) - 1)
    ratios = [misses[size] / len(requests) for size in sizes]
    return pd.DataFrame({"arm": "exact LRU", "level": sizes, "miss ratio": ratios})


def in_a_second(trace: Trace, room_bytes: int) -> pd.DataFrame:
    """The same trace against Redis' LRU alone and as fast as it goes: faster than its clock ticks."""
    with kinds.make("redis") as server:
        hurried = RedisCache("Redis allkeys-lru, hurried", server.url, "allkeys-lru", room_bytes)
        return play(trace, [hurried])


def steady(trace: Trace) -> Trace:
    """The first phase alone, every request of it scored."""
    import numpy as np

    mine = trace.phase == 0
    return Trace(trace.product[mine], trace.phase[mine], np.ones(int(mine.sum()), dtype=bool))


def points_lost(rows: pd.DataFrame) -> pd.Series:
    """By arm: percentage points of its hit ratio that a cache loses while the crawler walks by."""
    table = rows.pivot_table(index="arm", columns="phase", values="hit ratio")
    return (table["steady"] - table["crawl"]) * 100
