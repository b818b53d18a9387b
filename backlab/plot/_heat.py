"""Heat: one number per row and column, written into its cell; colour only helps to find it."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from backlab.learning.predict import number
from backlab.plot.card import CARD, HEIGHT_IN, INK, QUIET, Card
from backlab.plot.series import words
from backlab.stats import ordered

BLUES = LinearSegmentedColormap.from_list("backlab", ["#F1EEE6", "#A9CBE3", "#3E8EC4", "#00507F"])
WHITE_FROM = 0.69  # the shade on which white is read better than ink


def heat(
    rows: pd.DataFrame,
    row: str = "arm",
    column: str = "level",
    value: str = "latency_ms",
    *,
    title: str,
    x_label: str = "",
    value_label: str = "",
    digits: int | None = None,
    low: float | None = None,
    high: float | None = None,
    highlight: Collection[str] = (),
    alt: str = "",
    height_in: float = HEIGHT_IN,
) -> Card:
    """The median of `value` per `row` and `column`; arms in the experiment's order, levels rising.

    `digits` after the point (default: as few as needed); `low` and `high` fix the ends of the colours;
    `highlight` names the rows that the title speaks of.
    """
    table = rows.pivot_table(index=row, columns=column, values=value, aggfunc="median", sort=False)
    table = table.reindex(index=ordered(rows, row), columns=ordered(rows, column))
    card = Card(title, alt=alt, height_in=height_in)
    card.colours = 48  # flat areas; what is lost is in the smoothing of letters
    card.kind = "Heat map"
    cells = table.to_numpy(dtype=float)
    ax = card.panels()[0]
    image = ax.imshow(cells, cmap=BLUES, vmin=low, vmax=high, aspect="auto")
    shades = np.asarray(image.norm(cells))
    for (i, j), cell in np.ndenumerate(cells):
        ink = "white" if cell == cell and shades[i, j] > WHITE_FROM else INK
        ax.text(j, i, _written(cell, digits), ha="center", va="center", color=ink)
    _cell_axes(ax, [str(name) for name in table.index], [str(name) for name in table.columns], highlight)
    ax.set_xlabel(x_label or words(column))
    ax.set_title(value_label or words(value), loc="left", fontsize=9, color=QUIET)
    for name, line in zip(table.index, cells, strict=True):
        parts = zip(table.columns, line, strict=True)
        card.facts.append(f"{name}: " + ", ".join(f"{c} {_written(v, digits)}" for c, v in parts) + ".")
    return card


def _cell_axes(ax: Axes, rows: list[str], columns: list[str], loud: Collection[str]) -> None:
    """Names at the left and below, gaps between the cells, no spines."""
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    for label, name in zip(ax.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if name in loud else "normal")
    ax.set_xticks([j + 0.5 for j in range(len(columns) - 1)], minor=True)
    ax.set_yticks([i + 0.5 for i in range(len(rows) - 1)], minor=True)
    ax.grid(visible=False, which="major")
    ax.grid(visible=True, which="minor", axis="both", color=CARD, lw=2)
    ax.tick_params(which="both", length=0, labelcolor=INK)
    ax.spines[:].set_visible(False)


def _written(value: float, digits: int | None) -> str:
    """A cell's number; a dash where nothing was measured."""
    if value != value:
        return "\N{EN DASH}"
    return number(value) if digits is None else f"{value:,.{digits}f}"
