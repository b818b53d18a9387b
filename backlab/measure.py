"""Repeat, count, time: run the arms of an experiment in turn and keep one row per call.

for each repeat: every (arm, level) once, in a seeded random order
    arm(level) -> counters      -> one row: t_s, arm, level, op, latency_ms, outcome, fault, counters
    arm(level) raises           -> one row too: "failed", or "unknown" after a timeout
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backlab import stop
from backlab.progress import progress
from services.errors import BacklabError

if TYPE_CHECKING:
    import pandas as pd

    from backlab.live import Live

Arm = Callable[[Any], Mapping[str, Any] | None]
Row = dict[str, Any]
COLUMNS = ["t_s", "arm", "level", "op", "latency_ms", "outcome", "fault"]


def measure(
    arms: Mapping[str, Arm],
    levels: Sequence[Any] = (None,),
    repeat: int = 3,
    *,
    level_name: str = "level",
    op: str = "call",
    warmup: int = 1,
    seed: int = 42,
    fault: str | Callable[[], str] = "",
    live: Live | None = None,
) -> pd.DataFrame:
    """Call every arm at every level `repeat` times, interleaved, and return the raw rows.

    Each arm is called as `arm(level)`; a mapping that it returns becomes extra columns. `warmup` calls
    per arm (at the first level) come first and leave no rows. `fault` names what is being broken, as a
    text or as a function that is asked at each call. An interrupt keeps the rows measured so far, and in a
    notebook ends "Run All" behind this cell (`backlab.stop` says how).
    """
    _refuse_nonsense(arms, levels, repeat)
    stop.refuse_more()
    rows: list[Row] = []
    plan = schedule(list(arms), list(levels), repeat, seed)
    label = fault if callable(fault) else lambda: fault
    try:
        with stop.Heard() as heard:
            for arm in arms.values():
                for _ in range(warmup):
                    _once(arm, levels[0])
            for row in _calls(arms, plan, label):
                rows.append({"op": op, **row})
                heard.again()
                if live is not None:
                    live.offer(lambda: table(rows, level_name, arms=list(arms)))
    except KeyboardInterrupt:
        stop.kept(f" after {len(rows)} of {len(plan)} calls: the table holds what was measured")
    _say_what_failed(rows)
    frame = table(rows, level_name, arms=list(arms), interrupted=len(rows) < len(plan))
    if live is not None and rows:
        live.finish(frame)
    return frame


def _calls(
    arms: Mapping[str, Arm], plan: Sequence[tuple[str, Any]], label: Callable[[], str]
) -> Iterator[Row]:
    """One row per call, as they are made; what is being broken is asked before each."""
    began = time.perf_counter()
    what = f"measuring {len(arms)} arms" if len(arms) > 1 else "measuring"
    for name, level in progress(plan, what, unit="call"):
        t_s, during = time.perf_counter() - began, label()
        yield {"t_s": t_s, "arm": name, "level": level, **_once(arms[name], level), "fault": during}


def schedule(arms: Sequence[str], levels: Sequence[Any], repeat: int, seed: int) -> list[tuple[str, Any]]:
    """The calls in order: each repeat holds every (arm, level) once, shuffled by the seed.

    So a slow second of the machine falls on all arms alike instead of on one of them.
    """
    rng = random.Random(seed)
    calls: list[tuple[str, Any]] = []
    for _ in range(repeat):
        one_round = [(arm, level) for level in levels for arm in arms]
        rng.shuffle(one_round)
        calls += one_round
    return calls


def table(
    rows: Iterable[Row], level_name: str = "level", *, arms: Sequence[str] = (), interrupted: bool = False
) -> pd.DataFrame:
    """The rows as a DataFrame, the seven columns first; `attrs` keep what the plots want to know."""
    import pandas as pd

    frame = pd.DataFrame(list(rows))
    extra = [column for column in frame.columns if column not in COLUMNS]
    frame = frame.reindex(columns=COLUMNS + extra)
    frame.attrs = {"level_name": level_name, "arms": list(arms), "interrupted": interrupted}
    return frame


def _once(arm: Arm, level: Any) -> Row:
    """One call: its latency, its outcome, its counters. A timeout is unknown: it may have happened."""
    counters: Mapping[str, Any] | None = None
    failure: Exception | None = None
    started = time.perf_counter()
    try:
        counters = arm(level)
    except Exception as error:
        failure = error
    row: Row = {"latency_ms": (time.perf_counter() - started) * 1e3}
    if isinstance(failure, BacklabError):
        raise failure  # our own complaint about how the bench is used, not an outcome of the experiment
    if failure is not None:
        outcome = "unknown" if isinstance(failure, TimeoutError) else "failed"
        return row | {"outcome": outcome, "error": f"{type(failure).__name__}: {failure}".splitlines()[0]}
    if not isinstance(counters, Mapping | None):
        raise BacklabError(
            f"an arm of measure() returned {type(counters).__name__}, not a mapping of counters",
            'return something like {"statements": 4}, or nothing',
        )
    taken = sorted(set(counters or {}) & {*COLUMNS, "error"})
    if taken:
        raise BacklabError(
            f"an arm of measure() returned a counter called {taken[0]!r}, a column that measure() fills",
            "give the counter another name",
        )
    return row | {"outcome": "ok"} | dict(counters or {})


def _refuse_nonsense(arms: Mapping[str, Arm], levels: Sequence[Any], repeat: int) -> None:
    """Say before anything runs what makes an experiment impossible."""
    for name, arm in arms.items():
        if not callable(arm):
            raise BacklabError(f"the arm {name!r} of measure() is no function", "pass the function itself")
    if not arms or not len(levels) or repeat < 1:
        raise BacklabError(
            f"measure() has nothing to do with {len(arms)} arms, {len(levels)} levels and repeat={repeat}",
            "give at least one of each",
        )


def _say_what_failed(rows: Sequence[Row]) -> None:
    """One line when calls did not end well, so that a plot of the rest misleads nobody."""
    bad = [row for row in rows if row["outcome"] != "ok"]
    if bad:
        first = bad[0]
        what = f"{first['arm']}: {first['error']}"
        print(f"{len(bad)} of {len(rows)} calls did not end well; the first, {what}")
