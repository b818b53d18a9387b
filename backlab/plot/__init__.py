"""Plots with one look: the finding in the title, direct labels, units, your guess, alternative text.

    lines   something against a level, one line per arm     timeline     over time, faults shaded
    bars    one number per arm                              before_after what a repair changed
    heat    a number per row and column                     tree         query plans side by side

Each returns a `Card`; make it the last line of a cell, or call `.show()`.
"""

from backlab.plot.bars import bars, before_after
from backlab.plot.card import Card
from backlab.plot.heat import heat
from backlab.plot.lines import lines
from backlab.plot.notes import alt, finding, predicted, shade
from backlab.plot.timeline import timeline
from backlab.plot.tree import tree

__all__ = [
    "Card",
    "alt",
    "bars",
    "before_after",
    "finding",
    "heat",
    "lines",
    "predicted",
    "shade",
    "timeline",
    "tree",
]
