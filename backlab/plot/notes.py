"""Marks that any plot may carry: the finding, your guess, the fault's window, that it proves nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, cast

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from backlab.learning.predict import recall
from backlab.plot.card import CARD, INK, QUIET, Card

Window = tuple[float, float, str]  # from, to (same unit as the time axis), what was broken
Guess = float | str | None
STAMP, HATCH = "#A8331B", "#E3D3C8"


def finding(where: Axes | Figure, title: str) -> None:
    """State the finding as the figure's title."""
    card_of(where).finding(title)


def alt(where: Axes | Figure, text: str) -> None:
    """Say in words what the figure shows, for whoever cannot see it."""
    card_of(where).alt = text


def predicted(where: Axes | Figure, x: float, y: Guess, *, label: str = "your guess") -> None:
    """Draw your guess as a hollow diamond. `y` is a number, the name of a guess, or `None` for no mark."""
    ax = where.axes[0] if isinstance(where, Figure) else where
    value = recall(y) if isinstance(y, str) else y
    if value is None or (value <= 0 and ax.get_yscale() == "log"):
        return
    diamond = {"marker": "D", "ms": 8, "mfc": "none", "mec": INK, "mew": 1.5, "ls": "none", "zorder": 6}
    ax.plot([x], [value], clip_on=False, **cast(Any, diamond))
    left = _in_right_half(ax, x)
    ax.annotate(
        label,
        (x, value),
        xytext=(-8 if left else 8, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        fontsize=8,
        fontstyle="italic",
        color=INK,
        annotation_clip=False,
        path_effects=[withStroke(linewidth=3, foreground=CARD)],
    )


def shade(ax: Axes, windows: Iterable[Window]) -> None:
    """Shade when something was broken, and say what, at the top of the window."""
    for start, end, what in windows:
        # with an edge, or what lasts no time at all could not be seen
        ax.axvspan(start, end, facecolor=("#E9C9A8", 0.45), edgecolor=("#C98F52", 0.6), lw=1, zorder=0)
        ax.annotate(
            what,
            ((start + end) / 2, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -3),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
            color="#7A4A14",
        )


def inconclusive(where: Axes | Figure, reasons: Sequence[str] | str) -> Card:
    """Hatch the figure and stamp it, so that nobody takes it for a measurement; no reasons, no mark."""
    card = card_of(where)
    reasons = [reasons] if isinstance(reasons, str) and reasons else reasons
    if not reasons:
        return card
    for ax in card.axes:
        ax.patch.set(hatch="///", edgecolor=HATCH)
    why = "\n".join(textwrap.wrap("; ".join(reasons), 62))
    box = {"boxstyle": "round,pad=0.5", "facecolor": CARD, "edgecolor": STAMP, "lw": 1.6}
    card.ax.annotate("INCONCLUSIVE", (0.5, 0.62), xycoords="axes fraction", ha="center", va="bottom",
                     fontsize=17, fontweight="bold", color=STAMP, bbox=box, zorder=9)  # fmt: skip
    card.ax.annotate(why, (0.5, 0.5), xycoords="axes fraction", ha="center", va="top", fontsize=8,
                     color=INK, bbox=box | {"lw": 0}, zorder=9)  # fmt: skip
    card.facts.insert(0, f"INCONCLUSIVE: {'; '.join(reasons)}.")
    return card


def card_of(where: Axes | Figure) -> Card:
    """The card that an axes lies on."""
    figure = where if isinstance(where, Figure) else where.figure
    assert isinstance(figure, Card), "this figure was not made by backlab.plot"
    return figure


def quiet_note(ax: Axes, text: str) -> None:
    """A remark in small grey type at the bottom right of the axes."""
    ax.annotate(text, (1, 0), xycoords="axes fraction", xytext=(0, 4), textcoords="offset points",
                ha="right", va="bottom", fontsize=8, color=QUIET)  # fmt: skip


def _in_right_half(ax: Axes, x: float) -> bool:
    return bool(ax.transAxes.inverted().transform(ax.transData.transform((x, ax.get_ylim()[0])))[0] > 0.5)
