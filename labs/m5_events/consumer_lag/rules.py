"""Five rules of alerting, each a function from a recorded series to the intervals in which it fires.

rows of the monitor ──▶ series: [{"t_s", "lag": [by partition], "age_s": [by partition]}] ──▶ [[from_s, to_s]]
They run on what was recorded, so that every rule sees the same run, and sees it again tomorrow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from services.shop.lag.age import ages_s

Series = list[dict[str, Any]]
Rule = Callable[[Series], list[list[float]]]
WINDOW = 10  # samples in the sliding window of Burrow's rules


def series(rows: Sequence[Mapping[str, Any]]) -> Series:
    """One entry per sample of a group: when, and by partition how many offsets and seconds it is behind.

    Where a group has committed nothing, both are None: unknown, and not zero.
    """
    partitions = len({row["partition"] for row in rows})
    found = []
    for upto in range(partitions, len(rows) + 1, partitions):
        now = rows[upto - partitions : upto]
        ages = ages_s([dict(row) for row in rows[:upto]])
        found.append({"t_s": now[0]["t_s"], "lag": [_lag(row) for row in now], "age_s": ages})
    return found


def _lag(row: Mapping[str, Any]) -> int | None:
    if row["position"] is None:
        return None
    return max(0, int(row["end"] - max(row["position"], row["start"])))


def known(values: Sequence[float | None]) -> list[float]:
    """Those that are known; a partition without a commit says nothing."""
    return [value for value in values if value is not None]


def firing(series: Series, fires: Callable[[dict[str, Any]], bool]) -> list[list[float]]:
    """The intervals [from_s, to_s] in which `fires` holds, sample after sample."""
    found: list[list[float]] = []
    on = False
    for sample in series:
        if fires(sample):
            if not on:
                found.append([sample["t_s"], sample["t_s"]])
            found[-1][1] = sample["t_s"]
            on = True
        else:
            on = False
    return found


def over(field: str, together: Callable[[list[float]], float], limit: float) -> Rule:
    """Fires while `together` of a field's partitions is above a limit."""
    return lambda series: firing(series, lambda sample: together(known(sample[field]) or [0]) > limit)


def burrow(series: Series) -> list[list[float]]:
    """A sliding window as in Burrow: bad while lag was never zero in it and has not become less.

    Burrow judges each partition by its last ten commits; we have samples instead, twice a second.
    """
    bad = set()
    for last in range(WINDOW, len(series) + 1):
        window = series[last - WINDOW : last]
        for partition in range(len(window[0]["lag"])):
            lags = known([sample["lag"][partition] for sample in window])
            steps = pairwise(lags)
            if len(lags) == WINDOW and min(lags) > 0 and all(b >= a for a, b in steps):
                bad.add(window[-1]["t_s"])
    return firing(series, lambda sample: sample["t_s"] in bad)


RULES: dict[str, Rule] = {
    "sum of lag > 100": over("lag", sum, 100),
    "sum of lag > 20": over("lag", sum, 20),
    "largest partition > 50": over("lag", max, 50),
    "sliding window": burrow,
    "age > 4 s": over("age_s", max, 4.0),
}


def verdict(intervals: Sequence[Sequence[float]], incident_from_s: float | None) -> str:
    """In a word: "found after 4.5 s", "missed", "false alarm", or "quiet", as a healthy group should be."""
    if any(incident_from_s is None or began < incident_from_s for began, _ in intervals):
        return "false alarm"
    if incident_from_s is None:
        return "quiet"
    return f"found after {intervals[0][0] - incident_from_s:.1f} s" if intervals else "missed"


def right(said: str) -> bool:
    """Whether a verdict is one that the on-call wants."""
    return said.startswith(("found", "quiet"))


def table(
    recorded: Mapping[str, Series], incidents: Mapping[str, float | None], rules: Mapping[str, Rule] = RULES
) -> dict[str, dict[str, str]]:
    """The verdict of every rule (first key) on every group (second key)."""
    return {
        name: {group: verdict(rule(samples), incidents[group]) for group, samples in recorded.items()}
        for name, rule in rules.items()
    }
