"""The main picture: a strip for each group, lag as an area, age as a line, ticks where rules fire.

strips(rows so far), redrawn while the scene plays ──▶ at its end, judged(verdicts): the table below it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from backlab.plot import Card
from backlab.plot.card import CARD, COLOURS, FAINT, INK, INKS
from labs.m5_events.consumer_lag.rules import RULES, Series, known, right, series

GOOD, BAD, LIMIT_S = "#DCEBE0", "#F3D3C8", 4.0
SHADE = "#E9C9A8"
SHORT = {
    "sum of lag > 100": "sum > 100",
    "sum of lag > 20": "sum > 20",
    "largest partition > 50": "largest > 50",
}


def strips(
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    incidents: Mapping[str, float | None],
    seconds: float,
    title: str = "Age (orange) tells the four groups in trouble from the two others; lag (blue) does not",
) -> Card:
    """One strip per group, `seconds` wide from the first moment, so that it fills while the scene plays.

    A tick says when a rule begins to fire; the trouble itself is shaded.
    """
    recorded = {group: series(samples) for group, samples in rows.items()}
    card = Card(title, height_in=4.3)
    card.colours = 32
    card.kind = "Six strips, one per consumer group: lag as an area, age of the oldest message as a line"
    panels = card.panels(len(recorded), 1)
    for ax, (group, samples) in zip(panels, recorded.items(), strict=True):
        _strip(card, ax, group, samples, incidents[group], seconds)
        _ticks(ax, samples)
        ax.tick_params(labelbottom=ax is panels[-1])
    panels[-1].set_xlabel("seconds since the first message (triangles: a rule begins to fire)")
    panels[0].set_title(
        "offsets behind (area, left), age of the oldest in s (line, right; dotted: 4 s), trouble shaded",
        fontsize=8, loc="left",
    )  # fmt: skip
    return card


def judged(verdicts: Mapping[str, Mapping[str, str]]) -> Card:
    """The table of rules and groups; each rule wears the triangle of its ticks."""
    card = Card(finding(verdicts), height_in=2.1)
    card.colours = 32
    card.kind = "Table of five rules and six groups"
    _verdicts(card, card.panels()[0], verdicts)
    return card


def _strip(card: Card, ax: Axes, group: str, samples: Series, since_s: float | None, seconds: float) -> None:
    t_s = [sample["t_s"] for sample in samples]
    lag = [sum(known(sample["lag"])) for sample in samples]
    age = [max(known(sample["age_s"]), default=0.0) for sample in samples]
    if since_s is not None:
        ax.axvspan(since_s, seconds, color=SHADE, alpha=0.45, lw=0, zorder=0)
    ax.fill_between(t_s, lag, color=COLOURS[5], alpha=0.55, lw=0, zorder=2)
    ax.set_xlim(0, seconds)
    ax.set_ylim(0, max([30.0, *lag]) * 1.25)
    ax.locator_params(axis="y", nbins=2)
    ax.grid(visible=False)
    ax.set_ylabel(group, rotation=0, ha="right", va="center", color=INK, labelpad=8, fontweight="bold")
    twin = ax.twinx()
    twin.grid(visible=False)
    twin.spines[:].set_visible(False)
    twin.plot(t_s, age, color=COLOURS[1], lw=2, zorder=4)
    twin.axhline(LIMIT_S, color=COLOURS[1], lw=0.8, ls=":", zorder=3)
    twin.set_ylim(0, max([6.0, *age]) * 1.25)
    twin.locator_params(axis="y", nbins=2)
    twin.tick_params(labelcolor=INKS[1])
    if lag:
        card.facts.append(f"{group}: at the end {lag[-1]} offsets and {age[-1]:.0f} s behind.")


def _ticks(ax: Axes, samples: Series) -> None:
    """A coloured tick along the top for each rule, at the moment when it begins to fire."""
    place = ax.get_xaxis_transform()
    for number, rule in enumerate(RULES.values()):
        for began, _ in rule(samples):
            ax.plot([began], [0.88], "v", color=_colour(number), ms=8, mec=CARD, mew=0.8, transform=place,
                    zorder=8, clip_on=False)  # fmt: skip


def _colour(number: int) -> str:
    return [COLOURS[0], COLOURS[4], COLOURS[3], COLOURS[6], COLOURS[2]][number]


def _verdicts(card: Card, ax: Axes, verdicts: Mapping[str, Mapping[str, str]]) -> None:
    """The table: green where the on-call is glad, red where not; each rule in the colour of its ticks."""
    groups = list(next(iter(verdicts.values())))
    for row, (rule, by_group) in enumerate(verdicts.items()):
        for column, group in enumerate(groups):
            said = by_group[group]
            box = (column + 0.02, row + 0.04)
            ax.add_patch(_box(box, GOOD if right(said) else BAD))
            ax.text(column + 0.5, row + 0.5, said.replace("found after ", ""), ha="center",
                    va="center", fontsize=8, color=INK if right(said) else INKS[1],
                    fontweight="normal" if right(said) else "bold")  # fmt: skip
        ax.plot([-0.12], [row + 0.5], "v", color=_colour(row), ms=8, clip_on=False)
        wrong = [f"{group} {said}" for group, said in by_group.items() if not right(said)]
        card.facts.append(f"{rule}: {', '.join(wrong) or 'right about every group'}.")
    ax.set_xlim(0, len(groups))
    ax.set_ylim(len(verdicts), 0)
    ax.set_xticks([column + 0.5 for column in range(len(groups))], groups)
    ax.set_yticks([row + 0.5 for row in range(len(verdicts))], [SHORT.get(rule, rule) for rule in verdicts])
    ax.xaxis.tick_top()
    ax.tick_params(length=0, labelcolor=INK)
    ax.tick_params(axis="y", pad=14)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def _box(corner: tuple[float, float], colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(corner, 0.96, 0.92, facecolor=colour, edgecolor=FAINT, lw=0.4)


def finding(verdicts: Mapping[str, Mapping[str, str]]) -> str:
    """Which rule was right about how many groups, as a title."""
    score = {rule: sum(right(said) for said in by_group.values()) for rule, by_group in verdicts.items()}
    most, of = max(score.values()), len(next(iter(verdicts.values())))
    best = [rule for rule, count in score.items() if count == most]
    others = sorted(count for count in score.values() if count < most)
    said = f"{' and '.join(reversed(best))}: right about {most} of {of} groups"
    if not others:
        return said
    span = str(others[0]) if others[0] == others[-1] else f"{others[0]} to {others[-1]}"
    return f"{said}; the rules that count offsets about {span}"
