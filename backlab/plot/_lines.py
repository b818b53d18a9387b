"""Lines: something measured against a level, one line per arm, each labelled at its end."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from backlab.learning.predict import number, recall
from backlab.plot.axes import level_ticks, name_axes, plain, scale, set_log
from backlab.plot.card import HEIGHT_IN, Card
from backlab.plot.labels import end_label
from backlab.plot.notes import Guess, predicted
from backlab.plot.series import Style, each, styles, summary, words
from backlab.stats import ordered

Fit = Mapping[str, tuple[float, float]]  # per arm: intercept and slope, y = a + b * x


def lines(
    rows: pd.DataFrame,
    x: str = "level",
    y: str | Sequence[str] = "latency_ms",
    by: str = "arm",
    *,
    title: str,
    x_label: str = "",
    y_label: str | Sequence[str] = "",
    log: str = "",
    highlight: Collection[str] | str | None = None,
    fit: Fit | None = None,
    guess: tuple[float, Guess] | Mapping[str, tuple[float, Guess]] | None = None,
    alt: str = "",
    height_in: float = HEIGHT_IN,
) -> Card:
    """Medians of `y` (one panel per name) against `x`, one line per `by`, with 95 % intervals as bands.

    `log` is "", "x", "y" or "xy". `highlight` greys the other arms. `fit` draws a + b*x dashed. `guess` is
    (x, value or the name of a prediction), or a mapping from a panel's `y` to that; `None` draws nothing.
    """
    panels = [y] if isinstance(y, str) else list(y)
    labels = [y_label] if isinstance(y_label, str) else list(y_label)
    labels += [""] * (len(panels) - len(labels))
    card = Card(title, alt=alt, height_in=height_in)
    card.kind = "Line plot"
    looks = styles(ordered(rows, by), highlight)
    guesses = guess if isinstance(guess, Mapping) else {panels[0]: guess} if guess else {}
    x_label = x_label or words(str(rows.attrs.get("level_name", x)) if x == "level" else x)
    for ax, column, label in zip(card.panels(1, len(panels)), panels, labels, strict=True):
        table = summary(rows, by, x, column)
        set_log(ax, log)
        card.facts.append(f"{label or words(column)} by {x_label}:")
        _one_panel(card, ax, table, x, by, looks, fit or {}, "x" in log)
        name_axes(ax, x_label, label or words(column))
        at, value = guesses.get(column) or (0, None)
        _make_room(ax, value, log)
        scale(ax, log, _ticks(table[x], log))
        predicted(ax, at, value)
    return card


def _one_panel(
    card: Card,
    ax: Axes,
    table: pd.DataFrame,
    x: str,
    by: str,
    looks: Mapping[str, Style],
    fit: Fit,
    log_x: bool,
) -> None:
    """Draw every arm: quiet ones first, so that the highlighted lie on top."""
    for arm, part in sorted(each(table, by), key=lambda pair: looks[pair[0]].loud):
        look, part = looks[arm], part.sort_values(x)
        at, mid = part[x].to_numpy(dtype=float), part["median"].to_numpy(dtype=float)
        ax.plot(
            at,
            mid,
            ls="none" if arm in fit else "-",
            color=look.colour,
            marker=look.marker,
            zorder=3 + look.loud,
            clip_on=False,
        )
        ax.fill_between(at, part["low"], part["high"], color=look.colour, alpha=0.18, lw=0, zorder=2)
        if arm in fit:
            _draw_fit(ax, at, *fit[arm], look=look, log_x=log_x)
        bold = look.loud or not any(other.loud for other in looks.values())
        end_label(ax, at[-1], mid[-1], f"{arm}  {plain(_shown(mid[-1]))}", look.ink, bold=bold)
        first, last = number(_shown(mid[0])), number(_shown(mid[-1]))
        card.facts.append(f"{arm}: {first} at {number(at[0])}, {last} at {number(at[-1])}.")


def _draw_fit(ax: Axes, at: np.ndarray, intercept: float, slope: float, *, look: Style, log_x: bool) -> None:
    """The fitted straight line, dashed."""
    along = np.geomspace(at[0], at[-1], 50) if log_x else np.array([at[0], at[-1]])
    ax.plot(along, intercept + slope * along, "--", color=look.colour, lw=1.5, zorder=3, clip_on=False)


def _make_room(ax: Axes, value: Guess, log: str) -> None:
    """Widen the upright axis when the guess lies outside of it."""
    wanted = recall(value) if isinstance(value, str) else value
    if wanted is None or (wanted <= 0 and "y" in log):
        return
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, wanted), max(high, wanted * 1.05))


def _ticks(values: pd.Series, log: str) -> list[float]:
    """Ticks at the measured levels."""
    return level_ticks([float(v) for v in values], "x" in log)


def _shown(value: float) -> float:
    """Three figures are enough for a label, but counts stay exact."""
    return value if float(value).is_integer() else float(f"{value:.3g}")
