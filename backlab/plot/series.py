"""From rows to what is drawn: one series per arm, with its colour, median and interval."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from backlab.plot.card import COLOURS, FAINT, INKS, MARKERS, QUIET
from backlab.stats import interval, ordered


@dataclass(frozen=True)
class Style:
    """How one arm looks in every panel of a figure."""

    colour: str
    ink: str
    marker: str
    loud: bool


def styles(names: Collection[Any], highlight: Collection[Any] | str | None = None) -> dict[Any, Style]:
    """A look per arm; with `highlight` the others step back into grey."""
    loud = {highlight} if isinstance(highlight, str) else set(highlight or ())
    ranked = [n for n in names if n in loud] + [n for n in names if n not in loud]
    looks = {}
    for place, name in enumerate(ranked):
        marker = MARKERS[place % len(MARKERS)]
        if loud and name not in loud:
            looks[name] = Style(FAINT, QUIET, marker, False)
        else:
            looks[name] = Style(COLOURS[place % len(COLOURS)], INKS[place % len(INKS)], marker, name in loud)
    return looks


def summary(rows: pd.DataFrame, by: str, x: str | None, y: str) -> pd.DataFrame:
    """Median, low and high of `y` per arm (and x); a table made by `interval()` is taken as it is."""
    if {"median", "low", "high"} <= set(rows.columns) and y not in rows.columns:
        return rows
    return interval(rows, [by] if x is None else [by, x], y)


def each(table: pd.DataFrame, by: str) -> Iterator[tuple[Any, pd.DataFrame]]:
    """The arms in the experiment's order, with their rows."""
    for name in ordered(table, by):
        yield name, table[table[by] == name]


def words(name: str) -> str:
    """A column's name as a label: `latency_ms` reads "latency (ms)"."""
    units = {"ms": "ms", "s": "s", "us": "µs", "bytes": "bytes", "kb": "kB", "mb": "MB"}
    stem, _, last = name.rpartition("_")
    return f"{stem.replace('_', ' ')} ({units[last]})" if stem and last in units else name.replace("_", " ")
