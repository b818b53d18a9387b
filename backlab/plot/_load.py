"""A load test over time: percentiles of latency above, and below them requests/s, failures and users."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from backlab.learning.predict import number
from backlab.plot.axes import name_axes, scale, set_log
from backlab.plot.card import INKS, QUIET, Card
from backlab.plot.labels import end_label
from backlab.plot.notes import STAMP, Window, inconclusive, shade
from backlab.plot.series import Style, each, styles, words
from backlab.stats import ordered

BUCKETS = 40
SERVER_INKS = [INKS[place] for place in (6, 4, 3, 2)]  # servers must not look like arms
SHORTEST_S = 0.25
EACH = 8  # requests of an arm in a bucket: percentiles of fewer say nothing
SHARES = {"p99": (0.99, ":", 1.4), "p95": (0.95, "--", 1.6), "p50": (0.5, "-", 2.0)}


def load(
    rows: pd.DataFrame,
    *,
    title: str,
    users: pd.DataFrame | None = None,
    faults: Iterable[Window] = (),
    inconclusive: Sequence[str] = (),
    watched: pd.DataFrame | None = None,
    gauges: Sequence[str] = ("cpu_share",),
    by: str = "arm",
    alt: str = "",
    height_in: float = 4.2,
) -> Card:
    """50th, 95th and 99th percentile per bucket of time (with several arms: 50th and 99th), then the rates.

    `users` is a table of `t_s` and `users`. Time-outs count with their wait, refusals as failures only.
    `watched` are rows of `watch()` in the same seconds: one panel for each of `gauges`, a line per server.
    """
    gauges = gauges if watched is not None else ()
    card = Card(title, alt=alt, height_in=height_in + 1.2 * len(gauges))
    card.kind = "Load over time"
    shares = [2] + [1] * (1 + len(gauges))
    above, below, *more = card.panels(len(shares), 1, sharex=True, height_ratios=shares)
    end_s = max(float(rows.t_s.max()), 2 * SHORTEST_S)
    _latencies_and_rates(card, above, below, rows, by, end_s)
    if users is not None and len(users):
        _users(card, below, users, end_s)
    above.set_xlim(0, end_s)
    for ax, gauge in zip(more, gauges, strict=True):
        _gauge(card, ax, _same_clock(rows, watched, end_s), gauge)
    card.axes[-1].set_xlabel("seconds since the start")
    shade(above, windows := list(faults))
    card.facts += [f"{what} from {number(a)} to {number(b)} s." for a, b, what in windows]
    _mark(card, inconclusive)
    return card


def _latencies_and_rates(
    card: Card, above: Axes, below: Axes, rows: pd.DataFrame, by: str, end_s: float
) -> None:
    """The two panels that every load test has."""
    looks = styles(ordered(rows, by))
    edges = np.linspace(0, end_s, _buckets(rows, by, end_s) + 1)
    set_log(above, "y")
    for arm, part in each(rows[rows.outcome != "failed"], by):
        _percentiles(card, above, str(arm), part, edges, looks[arm], alone=len(looks) == 1)
    _rates(card, below, rows, edges, by, looks)
    name_axes(above, "", "latency (ms)")
    name_axes(below, "", "requests/s")
    scale(above, "y")
    scale(below, "")


def _buckets(rows: pd.DataFrame, by: str, end_s: float) -> int:
    """As many as the time has room for, but with some requests of each arm in every one."""
    fewest = int(rows.groupby(by).size().min())
    return max(3, min(BUCKETS, int(end_s / SHORTEST_S), fewest // EACH))


def _percentiles(
    card: Card, ax: Axes, arm: str, part: pd.DataFrame, edges: np.ndarray, look: Style, *, alone: bool
) -> None:
    """One line per percentile, labelled at its end, the middle one strongest."""
    buckets = part.latency_ms.groupby(np.searchsorted(edges, part.t_s, side="right"))
    middles = (edges[:-1] + edges[1:]) / 2
    for name, (share, dashes, width) in SHARES.items():
        if not alone and name == "p95":
            continue
        known = buckets.quantile(share).drop(index=len(edges), errors="ignore")
        at_s = middles[known.index - 1]
        ax.plot(at_s, known, dashes, color=look.colour, lw=width, zorder=3, clip_on=False)
        if len(known):
            end_label(
                ax,
                at_s[-1],
                float(known.iloc[-1]),
                name if alone else f"{arm} {name}",
                look.ink,
                bold=name == "p50",
            )
    whole = part.latency_ms.quantile([0.5, 0.99])
    card.facts.append(f"{arm}: median {number(whole[0.5])}, 99th percentile {number(whole[0.99])} ms.")


def _rates(
    card: Card, ax: Axes, rows: pd.DataFrame, edges: np.ndarray, by: str, looks: dict[object, Style]
) -> None:
    """Requests that ended well per second, each arm in its colour; what did not, red and filled."""
    middles, width_s = (edges[:-1] + edges[1:]) / 2, np.diff(edges)
    good = rows.outcome == "ok"
    for arm, part in each(rows[good], by):
        rate = np.histogram(part.t_s, edges)[0] / width_s
        ax.plot(middles, rate, "-", color=looks[arm].colour, lw=1.8, zorder=3, clip_on=False)
        label = "ok" if len(looks) == 1 else f"{arm} ok"
        end_label(ax, middles[-1], float(rate[-1]), label, looks[arm].ink, bold=True)
    if not good.all():
        bad = np.histogram(rows.t_s[~good], edges)[0] / width_s
        ax.fill_between(middles, bad, color=STAMP, alpha=0.25, lw=0, zorder=2)
        ax.plot(middles, bad, "-", color=STAMP, lw=1.4, zorder=4, clip_on=False)
        end_label(ax, middles[-1], float(bad[-1]), "failed", STAMP, bold=True)
        card.facts.append(f"{number(int((~good).sum()))} requests did not end well.")
    ax.set_ylim(0, None)


def _users(card: Card, ax: Axes, users: pd.DataFrame, end_s: float) -> None:
    """How many users there were, as steps on the same axis."""
    at = [*users.t_s, end_s]
    count = [*users.users, users.users.iloc[-1]]
    ax.step(at, count, where="post", color=QUIET, lw=1.2, zorder=2)
    end_label(ax, end_s, float(count[-1]), f"{number(count[-1])} users", QUIET)
    card.facts.append(f"At most {number(int(users.users.max()))} users.")


def _same_clock(rows: pd.DataFrame, watched: pd.DataFrame | None, end_s: float) -> pd.DataFrame:
    """What was watched, by the clock of the rows, as far as they go."""
    assert watched is not None
    later_s = watched.attrs.get("began_unix_s", 0.0) - rows.attrs.get("began_unix_s", 0.0)
    moved = watched.assign(t_s=watched.t_s + later_s)
    return moved[(moved.t_s >= 0) & (moved.t_s <= end_s)]


def _gauge(card: Card, ax: Axes, watched: pd.DataFrame, gauge: str) -> None:
    """One column of what was watched, a line per server."""
    seen = watched.dropna(subset=[gauge])
    for place, (server, part) in enumerate(each(seen, "server")):
        ink = SERVER_INKS[place % len(SERVER_INKS)]
        ax.plot(part.t_s, part[gauge], "-", color=ink, lw=1.6, clip_on=False)
        end_label(ax, float(part.t_s.iloc[-1]), float(part[gauge].iloc[-1]), str(server), ink)
        card.facts.append(f"{server}: {words(gauge)} at most {number(float(part[gauge].max()))}.")
    name_axes(ax, "", words(gauge))
    ax.set_ylim(0, None)
    scale(ax, "")


def _mark(card: Card, reasons: Sequence[str]) -> None:
    """`inconclusive` is the name of load()'s argument too."""
    inconclusive(card, reasons)
