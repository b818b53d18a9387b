"""Timeline: every call as a dot over time, failures as crosses, the fault's window shaded."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pandas as pd
from matplotlib.axes import Axes

from backlab.learning.predict import number
from backlab.plot.axes import name_axes, scale, set_log
from backlab.plot.card import HEIGHT_IN, Card
from backlab.plot.labels import end_label
from backlab.plot.notes import Window, shade
from backlab.plot.series import Style, each, styles, words
from backlab.stats import ordered

FEW_DOTS = 150  # up to these each dot is drawn large enough to be seen by itself
GAP, GAP_SHARE = 8, 0.05  # the line breaks where no call ended well for so long: spacings, share of the axis
MOST_DOTS = 4_000  # more would make the picture too large; the medians still use every row


def timeline(
    rows: pd.DataFrame,
    y: str = "latency_ms",
    by: str = "arm",
    *,
    title: str,
    faults: Iterable[Window] = (),
    x: str = "t_s",
    x_label: str = "seconds since the start",
    y_label: str = "",
    log: bool = True,
    highlight: Collection[str] | str | None = None,
    alt: str = "",
    height_in: float = HEIGHT_IN,
) -> Card:
    """Each row at its time, a running median per arm, crosses where the outcome was not "ok".

    `faults` are windows (from_s, to_s, what); a row of crosses at the top needs no value.
    """
    card = Card(title, alt=alt, height_in=height_in)
    card.colours = 40  # dots that shine through one another need no more
    card.kind = "Timeline"
    ax = card.panels()[0]
    set_log(ax, "y" if log else "")
    looks = styles(ordered(rows, by), highlight)
    good = rows if "outcome" not in rows else rows[rows["outcome"] == "ok"]
    bad = rows.iloc[0:0] if "outcome" not in rows else rows[rows["outcome"] != "ok"]
    for arm, part in each(good, by):
        _one_arm(card, ax, str(arm), part.sort_values(x), x, y, looks[arm])
    ax.set_xlim(min(0.0, float(rows[x].min())), float(rows[x].max()) * 1.01)
    name_axes(ax, x_label, y_label or words(y))
    if len(bad):
        _crosses(card, ax, bad, x, by, looks)
    scale(ax, "y" if log else "")
    windows = list(faults)
    shade(ax, windows)
    card.facts += [f"{what} from {number(a)} to {number(b)} s." for a, b, what in windows]
    return card


def _one_arm(card: Card, ax: Axes, arm: str, part: pd.DataFrame, x: str, y: str, look: Style) -> None:
    """Dots for the calls, a line for their running median, the arm's name at its end."""
    dots = part.iloc[:: max(1, len(part) // MOST_DOTS)]
    size, alpha = (3.5, 0.4) if len(part) > FEW_DOTS else (7.0, 0.7)
    ax.plot(dots[x], dots[y], ".", color=look.colour, ms=size, alpha=alpha, zorder=2, mew=0)
    window = max(3, len(part) // 40)
    running = part[y].rolling(window, center=True, min_periods=1).median()
    gaps = part[x].diff() > max(GAP * part[x].diff().median(), GAP_SHARE * (part[x].max() - part[x].min()))
    ax.plot(part[x], running.mask(gaps), "-", color=look.colour, lw=1.8, zorder=3 + look.loud)
    end_label(ax, float(part[x].iloc[-1]), float(running.iloc[-1]), arm, look.ink, bold=True)
    card.facts.append(
        f"{arm}: median {number(float(part[y].median()))}, highest {number(float(part[y].max()))} {words(y)}."
    )


def _crosses(card: Card, ax: Axes, bad: pd.DataFrame, x: str, by: str, looks: dict[str, Style]) -> None:
    """Calls without a good end, in one row along the top of the axes per arm, each with how long it took."""
    low, high = ax.get_ylim()
    ax.set_ylim(low, high * (high / low) ** 0.15 if ax.get_yscale() == "log" else high * 1.15)
    for place, (arm, part) in enumerate(each(bad, by)):
        height = 0.88 - 0.06 * place
        if "latency_ms" in part:
            ends = part[x] + part["latency_ms"] / 1000
            ax.plot([part[x], ends], [[height] * len(part)] * 2, "-", color=looks[arm].colour, lw=1.2,
                    alpha=0.5, transform=ax.get_xaxis_transform(), zorder=4)  # fmt: skip
        ax.plot(part[x], [height] * len(part), "x", color=looks[arm].ink, ms=5, mew=1.3,
                transform=ax.get_xaxis_transform(), zorder=5, clip_on=False)  # fmt: skip
        note = f"\N{MULTIPLICATION SIGN} {number(len(part))} failed"
        ax.annotate(note, (1, height), xycoords="axes fraction", xytext=(9, 0), textcoords="offset points",
                    va="center", fontsize=8, color=looks[arm].ink, annotation_clip=False)  # fmt: skip
        card.facts.append(f"{arm}: {number(len(part))} calls did not end well.")
