"""Labels at line ends that never overlap: wanted heights in, spread heights out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.text import Annotation, Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

END_LABEL = "backlab-end-label"
GAP = 1.12  # of the text's height between the middles of two labels


def end_label(ax: Axes, x: float, y: float, text: str, colour: str, *, bold: bool = False) -> Annotation:
    """Write `text` to the right of the point (x, y), in the colour of its line."""
    note = ax.annotate(
        text,
        xy=(x, y),
        xytext=(9, 0),
        textcoords="offset points",
        va="center",
        color=colour,
        fontsize=9,
        fontweight="bold" if bold else "normal",
        annotation_clip=False,
        arrowprops={
            "arrowstyle": "-",
            "color": colour,
            "lw": 0.7,
            "shrinkA": 1,
            "shrinkB": 3,
            "alpha": 0.8,
            "relpos": (0, 0.5),
        },
    )
    note.set_gid(END_LABEL)
    if note.arrow_patch is not None:
        note.arrow_patch.set_visible(False)  # until the label has moved; drawing a clear one costs as much
    return note


def spread_labels(figure: Figure, laid_out: bool = False) -> bool:
    """Move the end labels of each axes apart; a moved label gets a thin leader. Says if any was moved.

    It lays the figure out before, unless that is `laid_out` already: heights in pixels must be known.
    """
    by_axes = [
        [child for child in ax.texts if isinstance(child, Annotation) and child.get_gid() == END_LABEL]
        for ax in figure.axes
    ]
    if not any(by_axes):
        return False
    if not laid_out:
        figure.draw_without_rendering()
    moved = False
    for notes in by_axes:
        if notes:
            moved |= _spread_one(figure, notes)
    return moved


def _spread_one(figure: Figure, notes: list[Annotation]) -> bool:
    """Spread the labels of one axes, within its height."""
    ax = notes[0].axes
    assert ax is not None
    pixels_per_point = figure.dpi / 72
    wanted = [float(ax.transData.transform(note.xy)[1]) for note in notes]
    height = Text.get_window_extent(notes[0]).height  # the text's own: its leader would be laid out as well
    box = ax.get_window_extent()
    placed = spread(wanted, height * GAP, box.y0, box.y1)
    moved = False
    for note, want, got in zip(notes, wanted, placed, strict=True):
        shift_points = (got - want) / pixels_per_point
        note.xyann = (9 if abs(shift_points) < 1 else 14, shift_points)
        if note.arrow_patch is not None:
            note.arrow_patch.set_visible(abs(shift_points) >= 1)
        moved |= abs(shift_points) >= 1
    return moved


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Heights as near to the wanted ones as can be, at least `gap` apart, in order, inside [low, high].

    Neighbours that are too close become one block around their mean (pool adjacent violators).
    """
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], -i))
    blocks: list[tuple[float, list[int]]] = []  # (sum of wanted bottom positions, members)
    for i in order:
        blocks.append((wanted[i], [i]))
        while len(blocks) > 1 and _top(blocks[-2], gap) + gap > _bottom(blocks[-1], gap):
            total, members = blocks.pop()
            before, earlier = blocks.pop()
            blocks.append((before + total, earlier + members))
    placed = [0.0] * len(wanted)
    for block in blocks:
        bottom = _bottom(block, gap)
        for step, i in enumerate(block[1]):
            placed[i] = bottom + step * gap
    return _inside(placed, order, gap, low, high)


def _bottom(block: tuple[float, list[int]], gap: float) -> float:
    return block[0] / len(block[1]) - (len(block[1]) - 1) * gap / 2


def _top(block: tuple[float, list[int]], gap: float) -> float:
    return _bottom(block, gap) + (len(block[1]) - 1) * gap


def _inside(placed: list[float], order: list[int], gap: float, low: float, high: float) -> list[float]:
    """Push labels back that left the axes, keeping the gaps; too many labels run out at the bottom."""
    floor = low
    for i in order:
        placed[i] = max(placed[i], floor)
        floor = placed[i] + gap
    ceiling = high
    for i in reversed(order):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - gap
    return placed
