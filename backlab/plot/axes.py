"""Axes as people read them: units, plain numbers also on log scales, no clutter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from backlab.learning.predict import number
from backlab.plot.card import QUIET


def name_axes(ax: Axes, x_label: str, y_label: str) -> None:
    """Name both axes; the upright one above it and level, so that nobody tilts the head."""
    ax.set_xlabel(x_label)
    # where it says by itself, matplotlib would look for it at each drawing, by measuring all tick labels
    ax.set_title(y_label, loc="left", y=1.0, fontsize=9, color=QUIET)


def set_log(ax: Axes, log: str) -> None:
    """Make the axes named in `log` ("", "x", "y" or "xy") logarithmic; before anything is drawn."""
    if "x" in log:
        ax.set_xscale("log")
    if "y" in log:
        ax.set_yscale("log", nonpositive="mask")


def scale(ax: Axes, log: str, x_ticks: Sequence[float] | None = None) -> None:
    """Write all numbers plainly, with ticks at the given x values; after everything is drawn."""
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(plain))
        axis.set_minor_formatter(NullFormatter())
    if x_ticks is not None:
        ax.xaxis.set_major_locator(FixedLocator(list(x_ticks)))
        ax.xaxis.set_minor_locator(NullLocator())
    if "y" in log:
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_locator(FixedLocator(log_ticks(*ax.get_ylim())))
    else:
        ax.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))


def plain(value: float, _position: Any = None) -> str:
    """A tick's number: 1,000 instead of 10^3, 0.05 instead of 5e-2."""
    return number(round(value, 12)).replace("-", "\N{MINUS SIGN}")


def log_ticks(low: float, high: float) -> list[float]:
    """Ticks of a log axis: decades, with 2 and 5 between them where there would be fewer than three."""
    low = max(low, 1e-12)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(max(high, low))) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5)):
        ticks = [step * 10.0**power for power in decades for step in steps]
        inside = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
        if len(inside) >= 3:
            return inside
    return inside


def level_ticks(levels: Sequence[float], log: bool) -> list[float]:
    """The measured levels as ticks, without those that would stand on their neighbour's feet."""
    ordered = sorted(set(levels))
    if len(ordered) < 2:
        return ordered
    place = [math.log10(v) if log else v for v in ordered]
    room = (place[-1] - place[0]) / 11
    kept = [0]
    for i in range(1, len(ordered) - 1):
        if place[i] - place[kept[-1]] >= room and place[-1] - place[i] >= room:
            kept.append(i)
    return [ordered[i] for i in [*kept, len(ordered) - 1]]
