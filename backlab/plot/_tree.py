"""Query plans side by side: one row per node, indented as EXPLAIN does.

width of a box = buffers read, on one scale for all plans
colour = q-error, how far off the estimate was
node = {label, q_error, buffers, rows_est, rows, children}
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.patches import FancyBboxPatch, Patch

from backlab.learning.predict import number
from backlab.plot.card import FAINT, HEIGHT_IN, INK, QUIET, Card

Node = Mapping[str, Any]
WORST = LinearSegmentedColormap.from_list("backlab-q", ["#DDE3E4", "#F3DDB8", "#F2AD72", "#E8703A"])
OFF_BY = LogNorm(vmin=1, vmax=1_000, clip=True)
INDENT, ROW_IN, NARROWEST = 0.055, 0.43, 0.012


def tree(
    plans: Mapping[str, Node] | Node | Sequence[Node],
    *,
    title: str,
    alt: str = "",
    height_in: float | None = None,
) -> Card:
    """Draw plans, e.g. `tree({"before": plan_a, "after": plan_b}, title=...)`.

    A node's `buffers` include its children's, as in EXPLAIN; `q_error` is the larger of estimate/actual
    and its inverse. `rows_est`, `rows` and `children` may be missing.
    """
    named = _named(plans)
    flat = {name: list(_walk(node)) for name, node in named.items()}
    deepest = max(len(nodes) for nodes in flat.values())
    card = Card(title, alt=alt, height_in=height_in or max(HEIGHT_IN, 1.25 + ROW_IN * deepest))
    card.kind = "Query plans as trees"
    widest = max([1.0, *(float(node.get("buffers") or 0) for nodes in flat.values() for _, node in nodes)])
    room = 1 - INDENT * max(depth for nodes in flat.values() for depth, _ in nodes)
    for ax, (name, nodes) in zip(card.panels(1, len(flat)), flat.items(), strict=True):
        _one_plan(ax, nodes, room / widest, deepest)
        root = nodes[0][1]
        ax.set_title(f"{name}: {number(root.get('buffers'))} buffers" if name else "", loc="left",
                     fontsize=9, color=INK, fontweight="bold")  # fmt: skip
        worst = max(float(node.get("q_error") or 1) for _, node in nodes)
        labels = ", ".join(str(node["label"]) for _, node in nodes)
        read = f"{name or 'plan'}: {number(root.get('buffers'))} buffers"
        card.facts.append(f"{read}, worst estimate off by {_factor(worst)}; {labels}.")
    _key(card)
    return card


def _one_plan(ax: Axes, nodes: Sequence[tuple[int, Node]], per_buffer: float, rows: int) -> None:
    """One row per node: elbow to its parent, box, two lines of text that may run past the box."""
    last_at: dict[int, int] = {}
    for row, (depth, node) in enumerate(nodes):
        left = depth * INDENT
        width = max(NARROWEST, per_buffer * float(node.get("buffers") or 0))
        colour = WORST(OFF_BY(float(node.get("q_error") or 1)))
        box = FancyBboxPatch((left, row + 0.06), width, 0.84, boxstyle="round,pad=0,rounding_size=0.012",
                             fc=colour, ec="none", mutation_aspect=rows, zorder=2)  # fmt: skip
        ax.add_patch(box)
        if depth:
            elbow = left - INDENT * 0.55
            ax.plot([elbow, elbow, left - 0.008], [last_at[depth - 1] + 0.92, row + 0.5, row + 0.5],
                    color=FAINT, lw=1, zorder=1)  # fmt: skip
        last_at[depth] = row
        start = left + (0.015 if width > 0.1 else width + 0.012)  # a thin box stands before its text
        ax.text(start, row + 0.3, str(node["label"]), va="center", fontsize=8.5, fontweight="bold", zorder=3)
        ax.text(start, row + 0.68, _facts(node), va="center", fontsize=7.5, color=INK, zorder=3)
    ax.set_xlim(0, 1)
    ax.set_ylim(rows, 0)
    ax.set_axis_off()


def _facts(node: Node) -> str:
    """The second line of a node: what the planner believed, what came, how much was read."""
    parts = []
    if node.get("rows_est") is not None and node.get("rows") is not None:
        parts.append(f"rows {number(node['rows_est'])} expected, {number(node['rows'])} came")
    q_error = float(node.get("q_error") or 1)
    if q_error >= 2:
        parts.append(f"off by {_factor(q_error)}")
    return " \N{MIDDLE DOT} ".join(parts)


def _key(card: Card) -> None:
    """What colour and width mean, in one line under the plans."""
    chips = [Patch(fc="none", ec="none", label="box width: buffers read        colour: estimate off by")]
    chips += [Patch(fc=WORST(OFF_BY(step)), label=_factor(step)) for step in (1, 10, 100, 1_000)]
    card.legend(handles=chips, loc="outside lower left", ncols=len(chips), fontsize=8, labelcolor=QUIET,
                frameon=False, handlelength=1.2, handletextpad=0.5, columnspacing=1, borderpad=0)  # fmt: skip


def _walk(node: Node, depth: int = 0) -> Iterator[tuple[int, Node]]:
    """The nodes from the root down, each with its depth."""
    yield depth, node
    for child in node.get("children") or ():
        yield from _walk(child, depth + 1)


def _named(plans: Mapping[str, Node] | Node | Sequence[Node]) -> dict[str, Node]:
    """One plan, several or named ones: always named ones."""
    if isinstance(plans, Mapping):
        return {"": plans} if "label" in plans else dict(plans)
    names = ["before", "after"] if len(plans) == 2 else [f"plan {i + 1}" for i in range(len(plans))]
    return dict(zip(names, plans, strict=True))


def _factor(value: float) -> str:
    return f"{number(round(value, 1) if value < 10 else math.floor(value))}\N{MULTIPLICATION SIGN}"
