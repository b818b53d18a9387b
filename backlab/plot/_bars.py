"""Bars: one number per arm, or what a repair changed; written out, so that no axis must be read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from backlab.learning.predict import number, recall
from backlab.plot.axes import log_ticks, plain, scale, set_log
from backlab.plot.card import COLOURS, FAINT, HEIGHT_IN, INK, INKS, QUIET, Card
from backlab.plot.notes import Guess, predicted
from backlab.plot.series import Style, styles, summary, words

SMALL_COUNT = 50


def bars(
    rows: pd.DataFrame | Mapping[str, float],
    y: str | Sequence[str] = "latency_ms",
    by: str = "arm",
    *,
    title: str,
    x_label: str | Sequence[str] = "",
    log: bool = False,
    highlight: Collection[str] | str | None = None,
    guess: Mapping[str, Guess] | Mapping[str, Mapping[str, Guess]] | None = None,
    of: float | None = None,
    alt: str = "",
    height_in: float = HEIGHT_IN,
) -> Card:
    """One level bar per arm: the median of `y`, its 95 % interval as a whisker, the number at its end.

    `rows` is a table of `measure()` or `interval()`, or simply {arm: number}. Several `y` make a panel each.
    `of` draws the whole behind each bar ("24 of 210"). `guess` maps arms to numbers or names of predictions,
    where there are several panels a panel's `y` to that.
    """
    panels = [y] if isinstance(y, str) else list(y)
    labels = [x_label] if isinstance(x_label, str) else list(x_label)
    labels += [""] * (len(panels) - len(labels))
    if isinstance(rows, Mapping):
        rows = pd.DataFrame({by: list(rows), panels[0]: [float(v) for v in rows.values()]})
    card = Card(title, alt=alt, height_in=height_in)
    card.colours = 48
    card.kind = "Bar chart"
    for ax, column, label in zip(card.panels(1, len(panels)), panels, labels, strict=True):
        table = summary(rows, by, None, column)
        _one_panel(card, ax, table, by, label or words(column), log, highlight, of)
        if ax is not card.axes[0]:
            ax.tick_params(axis="y", labelleft=False)  # the names stand at the left of all
        if len(panels) > 1:
            card.facts[-1] = f"{label or words(column)}: {card.facts[-1]}"
        guesses: Any = (guess or {}) if len(panels) == 1 else (guess or {}).get(column, {})
        for place, arm in enumerate(table[by]):
            if arm in guesses:
                predicted(ax, *_swap(guesses[arm], place))
    return card


def _one_panel(
    card: Card,
    ax: Axes,
    table: pd.DataFrame,
    by: str,
    x_label: str,
    log: bool,
    highlight: Collection[str] | str | None,
    of: float | None,
) -> None:
    """Every arm's bar; the first arm on top."""
    arms = list(table[by])
    looks = styles(arms, highlight or arms[:0])
    if not highlight:  # colours would say nothing that the names do not
        looks = dict.fromkeys(arms, styles(arms[:1])[arms[0]])
    _level_axes(ax, [str(arm) for arm in arms], x_label)
    start = _start(table["median"], log)
    set_log(ax, "x" if log else "")
    shown = [
        _one_bar(ax, place, start, float(found.median), (found.low, found.high), looks[arm], of)
        for place, (arm, found) in enumerate(zip(arms, table.itertuples(), strict=True))
    ]
    card.facts.append(" ".join(f"{arm}: {number}." for arm, number in zip(arms, shown, strict=True)))
    ax.set_xlim(start, 10 * start if log and not (table["median"] > 0).any() else None)
    scale_x(ax, log)


def _one_bar(
    ax: Axes, place: int, start: float, mid: float, spread: tuple[float, float], look: Style, of: float | None
) -> str:
    """The bar, the whole behind it, its whisker and its number; returns the number as written."""
    low, high = spread
    if mid != mid:  # nothing was measured here
        ax.annotate(
            "\N{EN DASH}", (0.02, place), xycoords=("axes fraction", "data"), va="center", color=QUIET
        )
        return "not measured"
    if of is not None:
        ax.barh(place, of, color="#EDE9E0", height=0.62, zorder=1)
    ax.barh(place, max(mid - start, 0), left=start, color=look.colour, height=0.62, zorder=2)
    if high > low:
        ax.plot([low, high], [place, place], color=INK, lw=1.2, zorder=4)
    shown = plain(float(f"{mid:.3g}") if mid % 1 else mid) + (f" of {number(of)}" if of else "")
    ends = max(mid, high, start, of or start)
    ax.annotate(shown, (ends, place), xytext=(5, 0), textcoords="offset points", va="center",
                fontweight="bold", color=look.ink, annotation_clip=False, zorder=7)  # fmt: skip
    return shown


def before_after(
    changes: Mapping[str, tuple[float, float]], *, title: str, alt: str = "", height_in: float | None = None
) -> Card:
    """What a repair changed: {"statements": (1_192, 4), "latency (ms)": (840, 31)}, before first.

    Each measure is drawn relative to its own "before", on a log axis, so that units may differ.
    """
    card = Card(title, alt=alt, height_in=height_in or max(2.2, 1.2 + 0.42 * len(changes)))
    card.kind = "Before and after"
    ax = card.panels()[0]
    _level_axes(ax, list(changes), "compared with before the repair (log scale)")
    ax.set_xscale("log")
    ratios = [max(after, 1e-9) / before if before else 1.0 for before, after in changes.values()]
    ax.set_xlim(min([0.5, *ratios]) / 1.6, max([1.0, *ratios]) * 1.12)
    for place, ((name, (before, after)), ratio) in enumerate(zip(changes.items(), ratios, strict=True)):
        better, same = ratio <= 1, ratio == 1
        ax.plot([1, ratio], [place, place], color=FAINT, lw=2.5, zorder=2)
        ax.plot([1], [place], "o", ms=8, mfc="#FCFBF8", mec=QUIET, mew=1.5, zorder=3, clip_on=False)
        colour = FAINT if same else COLOURS[0 if better else 1]
        ax.plot([ratio], [place], "o", ms=9, color=colour, zorder=4, clip_on=False)
        times = "unchanged" if same else f"{_times(ratio)} {'less' if better else 'more'}"
        said = f"{number(before)} \N{RIGHTWARDS ARROW} {number(after)},  {times}"
        ink = QUIET if same else INKS[0 if better else 1]
        ax.annotate(said, (1.02, place), xycoords=("axes fraction", "data"), va="center",
                    fontweight="bold", color=ink, annotation_clip=False)  # fmt: skip
        card.facts.append(f"{name}: {number(before)} before, {number(after)} after, {times}.")
    scale_x(ax, True, percent=True)
    return card


def scale_x(ax: Axes, log: bool, *, percent: bool = False) -> None:
    """Plain numbers on the level axis only; the upright one holds names."""
    names = [label.get_text() for label in ax.get_yticklabels()]
    places = list(ax.get_yticks())
    scale(ax, "", log_ticks(*ax.get_xlim()) if log else None)
    if percent:
        ax.xaxis.set_major_formatter(lambda value, _place: f"{plain(value * 100)} %")
    ax.set_yticks(places, names)


def _level_axes(ax: Axes, names: list[str], x_label: str) -> None:
    """Names at the left, the first on top, grid upright."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="y", labelcolor=INK)
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", visible=True)
    ax.set_xlabel(x_label)


def _start(values: pd.Series, log: bool) -> float:
    """Where bars begin: at zero, or on a log axis at a half where the smallest is a small count, so that
    panels side by side begin alike; else at half a decade or a whole one below the smallest.
    """
    positive = values[values > 0]
    if not log:
        return 0.0
    if positive.empty:
        return 1.0
    if 1 <= positive.min() < SMALL_COUNT:
        return 0.5
    least = float(positive.min()) * 0.7
    decade = float(10 ** np.floor(np.log10(least)))
    return 5 * decade if 5 * decade <= least else decade


def _swap(guess: Guess, place: float) -> tuple[Any, Any]:
    """A guess lies along the level axis here, in the gap under its bar, where its label can be read."""
    value = recall(guess) if isinstance(guess, str) else guess
    return (value, place + 0.46) if value is not None else (0, None)


def _times(ratio: float) -> str:
    factor = 1 / ratio if ratio < 1 else ratio
    return f"{number(round(factor, 1) if factor < 10 else round(factor))}\N{MULTIPLICATION SIGN}"
