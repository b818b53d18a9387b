"""One figure: what was measured for us and for the anchor, what is required, and whether it holds.

ours within `limit`  AND  at least `ratio` times better than the anchor (where there is one)  ->  well
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`limit`: the most that `ours` may be (the least, if more is better); `ratio`: times better at least."""

    name: str
    unit: str
    ours: float
    limit: float
    anchor_name: str = ""
    anchor: float | None = None
    ratio: float = 1.0
    more_is_better: bool = False

    @property
    def times_better(self) -> float | None:
        """How many times better than the anchor we are; None without one."""
        if self.anchor is None:
            return None
        return self.ours / self.anchor if self.more_is_better else self.anchor / self.ours

    @property
    def holds(self) -> bool:
        """Is everything that is required of it there?"""
        within = self.ours >= self.limit if self.more_is_better else self.ours <= self.limit
        return within and self.beats_anchor

    @property
    def beats_anchor(self) -> bool:
        """Is the ratio there, which a slow minute of the machine does not change?"""
        return self.times_better is None or self.times_better >= self.ratio

    def row(self) -> list[str]:
        """Its line of the table."""
        sign = ">=" if self.more_is_better else "<="
        required = f"{sign} {number(self.limit)} {self.unit}"
        anchor, times = "-", "-"
        if self.anchor is not None and self.times_better is not None:
            anchor, times = f"{number(self.anchor)} {self.unit}", f"{number(self.times_better)}x"
            required += f", {number(self.ratio)}x"
        verdict = "well" if self.holds else "SHORT"
        return [
            self.name,
            f"{number(self.ours)} {self.unit}",
            anchor,
            times,
            required,
            verdict,
            self.anchor_name,
        ]


def number(value: float) -> str:
    """Three figures that count, thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def seconds(action: Callable[[], object]) -> float:
    """How long it took."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def interleaved(arms: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of each arm, one after the other in each round, so that they share the machine's moods."""
    taken: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(rounds):
        for name, arm in arms.items():
            taken[name].append(arm())
    return {name: statistics.median(values) for name, values in taken.items()}
